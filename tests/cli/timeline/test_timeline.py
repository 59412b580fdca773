"""`vifi timeline` on real clips: pets.mp4 shows coffee for four seconds, then a cat for four."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi


def test_in_a_pipe_an_occurrence_is_a_line_below_a_header(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("timeline", indexed / "pets.mp4", "--labels", "a cat,drink=a cup of coffee,a theodolite")
    assert outcome.exit_code == 0, outcome.stderr
    header, *rows = [line.split("\t") for line in outcome.stdout.splitlines()]
    assert header == ["video", "label", "start", "end", "duration", "relevance"]
    assert [(Path(row[0]).name, row[1]) for row in rows] == [("pets.mp4", "drink"), ("pets.mp4", "a cat")]
    coffee, cat = ([float(number) for number in row[2:5]] for row in rows)
    assert coffee == pytest.approx([0, 4, 4], abs=1)
    assert cat == pytest.approx([4, 8, 4], abs=1)
    assert all(0.3 <= float(row[5]) <= 1 for row in rows)


def test_a_terminal_shows_occurrences_and_the_time_budget(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("timeline", indexed, "-l", "a cat,a theodolite", is_terminal=True)
    assert outcome.exit_code == 0, outcome.stderr
    shown = [" ".join(line.split()) for line in re.sub(r"\x1b\[[\d;]*m", "", outcome.stdout).splitlines()]
    first = shown.index("Label Start End Duration Relevance")
    assert shown[first - 1].endswith("pets.mp4")
    assert shown[first + 1].startswith("a cat 0:0")
    budget = shown.index("Label Count Total Share Mean Videos")
    assert shown[budget - 1] == "all 4 videos"
    assert shown[budget + 1].startswith("a cat 1 ")
    assert shown[budget + 1].endswith("1 of 4")
    assert shown[budget + 2] == "a theodolite 0 0.0% 0 of 4"


def test_the_summary_is_a_table_too(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("timeline", "pets.mp4", "kitchen.mp4", "-l", "a cat", "--summary")
    rows = [line.split("\t") for line in outcome.stdout.splitlines()]
    assert rows[0] == ["video", "label", "count", "total", "share", "mean"]
    assert [(Path(row[0]).name, row[2]) for row in rows[1:]] == [("kitchen.mp4", "0"), ("pets.mp4", "1")]
    assert float(rows[2][4]) == pytest.approx(0.5, abs=0.13)


def test_json_and_files_of_one_run(vifi: Vifi, indexed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.eaf"
    outcome = vifi("timeline", indexed / "pets.mp4", "-l", "a cat", "--json", "-o", out)
    document = json.loads(outcome.stdout)
    assert (document["model"], document["labels"]) == ("starter", ["a cat"])
    assert document["videos"][0]["budget"][0]["count"] == 1
    assert 'TIER_ID="a cat"' in out.read_text(encoding="utf-8")
    again = vifi("timeline", indexed / "pets.mp4", "-l", "a cat", "-o", out)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "already exists: choose another place, or add --overwrite" in again.stderr
    assert vifi("timeline", indexed / "pets.mp4", "-l", "a cat", "-o", out, "--overwrite").exit_code == 0


def test_nothing_found_says_how_to_see_more(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("timeline", indexed / "pets.mp4", "-l", "quarterly interest rate decision")
    assert outcome.exit_code == 1
    assert outcome.stdout == "video\tlabel\tstart\tend\tduration\trelevance\n"
    assert "no occurrence found; `--min-score 0` finds less likely ones" in outcome.stderr
    assert (
        vifi("timeline", "pets.mp4", "-l", "quarterly interest rate decision", "--min-score", 0).exit_code
        == 0
    )


def test_labels_without_relevance_are_named(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("timeline", indexed / "pets.mp4", "-l", "cat=a cat - a cup of coffee")
    (row,) = [line.split("\t") for line in outcome.stdout.splitlines()[1:]]
    assert (row[1], row[5]) == ("cat", "")
    assert float(row[2]) == pytest.approx(4, abs=1)
    assert "without relevance, since more than words or one concept: cat;" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pets.mp4"], "no label is given: say what to look for"),
        (["dogs.mp4", "-l", "a cat"], "no indexed path matches dogs.mp4"),
        (["pets.mp4", "--concepts", "waving"], "no concept is called @waving"),
        (["pets.mp4", "-l", "a cat then a dog"], "has several steps: a label is seen at one time"),
        (["pets.mp4", "-l", "a cat", "-o", "x.doc"], "x.doc has no known form"),
        (["pets.mp4", "-l", "a cat", "--json", "--summary"], "--json holds the summary too"),
        (["pets.mp4", "-l", "a cat", "--gap", "-1"], "--gap"),
    ],
)
def test_mistakes_are_one_line(vifi: Vifi, indexed: Path, arguments: list[str], said: str) -> None:
    outcome = vifi("timeline", *arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert said in outcome.stderr
    assert outcome.stderr.count("\n") == 1
