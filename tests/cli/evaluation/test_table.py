"""The table of results on terminals and in pipes."""

import os
import pty
import re
import sys

import pytest

from vifi_cli.cli.evaluation.table import show_table
from vifi_cli.evaluation.report.table import ResultRow, ResultTable
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate

WIDE = Estimate(0.5, 0.4, 0.6)
TABLE = ResultTable(
    ("split 1", "split 2", "split 3", "mean"),
    (
        ResultRow(
            "runs/one/best", (Estimate(0.738, 0.701, 0.772), WIDE, WIDE, Estimate(0.6, 0.5, 0.7, 0.05))
        ),
        ResultRow("ViFi-CLIP", (None, None, None, Estimate(0.9, spread=0.01)), "published"),
        ResultRow("clip", (Estimate(0.7, 0.6, 0.8), WIDE, WIDE, Estimate(0.65, 0.5, 0.7, 0.05))),
    ),
)


def shown_at(columns: int, monkeypatch: pytest.MonkeyPatch, table: ResultTable = TABLE) -> str:
    """The table as a terminal of this width has it, escapes included."""
    leader, follower = pty.openpty()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    with os.fdopen(follower, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        show_table(table)
        terminal.flush()
        text = os.read(leader, 65536).decode()
    os.close(leader)
    return text.replace("\r", "")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown_at(columns, monkeypatch))
    assert all(len(line) <= columns for line in plain.splitlines())
    assert len(plain.splitlines()) == (4 if columns == 120 else 6)
    assert "[70.1, 77.2]" in plain
    assert "60.0 ± 5.0" in plain


def test_a_narrow_terminal_gets_the_main_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ResultRow("runs/moves/best", (WIDE, WIDE, WIDE, WIDE, Estimate(0.25, unit="error")))
    table = ResultTable(("top-1", "mean class", "top-5", "macro F1", "ECE"), (row,))
    assert "macro F1" not in shown_at(60, monkeypatch, table)
    assert capsys.readouterr().err == "macro F1 and ECE: see the report\n"
    assert "macro F1" in shown_at(80, monkeypatch, table)
    assert "top-5" in shown_at(40, monkeypatch, table)


def test_the_best_measured_figure_is_bold(monkeypatch: pytest.MonkeyPatch) -> None:
    first, published, second = shown_at(120, monkeypatch).splitlines()[1:]
    assert "\x1b[1m73.8 [70.1, 77.2]" in first
    assert "\x1b[1m65.0 ± 5.0" in second
    assert "\x1b[1m" not in published


def test_a_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(TABLE)
    header, first, published, _ = capsys.readouterr().out.splitlines()
    assert header.split("\t") == ["Method", "split 1", "split 2", "split 3", "mean"]
    assert first.split("\t")[:2] == ["runs/one/best", "73.8 [70.1, 77.2]"]
    assert published == "ViFi-CLIP (published)\t–\t–\t–\t90.0 ± 1.0"
