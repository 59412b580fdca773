"""`vifi eval compare` as a user runs it, beside `vifi eval`."""

import json
import os
import pty
import re
import sys
from pathlib import Path

import pytest

from tests.api.evaluation.test_compare import RIGHT, write
from tests.cli.conftest import Vifi
from vifi_cli import compare
from vifi_cli.cli.evaluation.compare import show_tests


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("reports/a"), {("clip", ""): RIGHT[0]}, groups="aaaabbbb")
    write(Path("reports/b"), {("vifi", ""): RIGHT[1]}, groups="aaaabbbb")
    parts = {(method, f"split {n}"): RIGHT[n % 2] for method in ("clip",) for n in (1, 2)}
    write(Path("reports/splits"), parts | {("vifi", f"split {n}"): RIGHT[1] for n in (1, 2)})


def test_the_table_in_a_pipe(vifi: Vifi, reports: None) -> None:
    outcome = vifi("eval", "compare", "reports/a", "reports/b")
    assert outcome.exit_code == 0, outcome.stderr
    header, row, empty, classes, *rest = outcome.stdout.splitlines()
    assert header.split("\t") == ["A", "B", "B - A", "both/A/B/none", "exact p", "mid-p"]
    assert row.split("\t")[:2] == ["50.0", "75.0"]
    assert row.split("\t")[2].startswith("+25.0 [-")
    assert row.split("\t")[3:] == ["3/1/3/1", "0.625", "0.375"]
    assert (empty, classes) == ("", "Class\tvideos\tA right\tB right")
    assert rest == ["walk\t4\t0\t3", "run\t4\t4\t3"]
    assert outcome.stderr.splitlines()[:2] == ["A: clip (reports/a)", "B: vifi (reports/b)"]
    assert "trust the interval" in outcome.stderr
    Path("reports/b/report.json").write_text('{"stamps": ["leak: it knows them"]}')
    warned = vifi("eval", "compare", "reports/a", "reports/b").stderr.splitlines()
    assert warned[-1] == "warning: reports/b: leak: it knows them"


def test_a_narrow_terminal_has_intervals_on_their_own_lines(
    reports: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader, follower = pty.openpty()
    monkeypatch.setenv("COLUMNS", "70")
    with os.fdopen(follower, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        show_tests(compare("reports/splits"))
        terminal.flush()
        text = os.read(leader, 65536).decode()
    os.close(leader)
    assert "\\n" not in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert re.match(r"split 1 .* \+0\.0 ", plain[1])
    assert re.match(r" +\[-?\d+\.\d, \d+\.\d\] *$", plain[2])


def test_parts_and_json(vifi: Vifi, reports: None) -> None:
    outcome = vifi("eval", "compare", "reports/splits")
    assert [line.split("\t")[0] for line in outcome.stdout.splitlines()] == [
        "Part", "split 1", "split 2", "mean of 2",
    ]  # fmt: skip
    assert outcome.stdout.splitlines()[-1].split("\t")[4:] == ["–", "–", "–"]
    document = json.loads(vifi("eval", "compare", "reports/a", "reports/b", "--json").stdout)
    assert list(document) == ["format", "first", "second", "stamps", "notes", "tests"]
    (test,) = document["tests"]
    assert (test["both"], test["only_first"], test["only_second"], test["neither"]) == (3, 1, 3, 1)
    assert test["difference"]["value"] == 0.25


def test_mistakes_are_one_line(vifi: Vifi, reports: None) -> None:
    outcome = vifi("eval", "compare", "reports/none", "reports/a")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr.count("\n") == 1
    assert "does not exist; name a report or a table of predictions" in outcome.stderr
    assert "See `vifi eval compare --help`" in vifi("eval", "compare").stderr
    # the other command is as before
    assert "compare is a method to train" not in vifi("eval", "vifi").stderr
    assert "vifi is a method to train: add --train" in vifi("eval", "vifi").stderr
