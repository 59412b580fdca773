"""What is written to stdout: tables have their headers everywhere, and lines about files have none."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Stream, _written
from vifi_cli.cli.terminal import output

CLI = Path(output.__file__).parents[1]
TABLE = ("Class", "Train"), [("run", "2"), ("walk\tfast", "1")]


def written(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> str:
    stream = Stream("utf-8", is_terminal=is_terminal)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        patch.setenv("COLUMNS", "40")
        output.rows(*TABLE, right=("Train",))
        output.facts([("Model", "a"), ("Epoch", "3")])
        output.records([("/a.mp4", "0.5")])
    return _written(stream)


def test_a_table_has_its_header_in_a_pipe_too_and_records_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = "Class\tTrain\nrun\t2\nwalk\\tfast\t1\nModel\ta\nEpoch\t3\n/a.mp4\t0.5\n"
    assert written(monkeypatch, is_terminal=False) == piped
    shown = re.sub(r"\x1b\[[\d;]*m", "", written(monkeypatch, is_terminal=True)).splitlines()
    assert shown[0].split() == ["Class", "Train"]
    assert [line.split() for line in shown[3:5]] == [["Model", "a"], ["Epoch", "3"]], (
        "no empty line before facts"
    )


def test_every_table_of_the_commands_names_its_columns() -> None:
    """Whatever has no header says so: `records`, for lines about files, or `facts`."""
    calls = [
        found[1]
        for file in CLI.rglob("*.py")
        for found in re.finditer(r"output\.rows\(\s*(\(.*?\)|\w+)", file.read_text(encoding="utf-8"))
    ]
    assert len(calls) >= 10
    assert not [call for call in calls if call == "()" or '""' in call]
