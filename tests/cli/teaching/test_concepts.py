"""`vifi concepts` and `@NAME` as a user gives them."""

import json
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.conftest import MakeOnce
from tests.taught_colours import CLIPS, COLORS, make_taught_home
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.cli.terminal.options import completion


@pytest.fixture
def taught(make_once: MakeOnce, tiny: Path, vifi_home: Path) -> Iterator[Path]:
    """Gives the test an index in which red, green and blue are taught, red without two of its clips."""
    home = make_taught_home(make_once, tiny)
    shutil.copytree(home / "index", vifi_home / "index")
    for file in home.glob("index-concepts.sqlite3*"):
        shutil.copy(file, vifi_home)
    with SearchSession(vifi_home / "index", AUTOMATIC) as session:
        for name in set(session.concepts.names()) - set(COLORS):
            session.concepts.delete(name)
        for mark in session.concepts.get("red").marks:
            if mark.path.name in ("red_2.mp4", "red_3.mp4"):
                session.concepts.unmark("red", mark)
    return vifi_home


def test_a_search_lists_finds_and_then_what_is_marked(vifi: Vifi, taught: Path) -> None:
    outcome = vifi("search", "@red", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    hits = json.loads(outcome.stdout)["hits"]
    finds = [Path(hit["path"]).name for hit in hits if "marked" not in hit]
    assert sorted(finds) == ["red_2.mp4", "red_3.mp4"], "the others are marked wrong"
    assert [hit["marked"] for hit in hits[2:]] == ["right", "right"]
    assert f"left out: {2 * CLIPS} moments that you marked wrong" in outcome.stderr
    formatted = vifi("search", "@Red", "-t", "1", "--format", "{name}={marked}").stdout.split()
    assert [line.partition("=")[2] for line in formatted] == ["", "right"]
    shown = vifi("search", "@red", is_terminal=True)
    assert shown.stdout.count("marked ") == 2
    assert "at the end: 2 moments that you marked right" in shown.stderr


def test_without_finds_marked_moments_alone_are_no_success(vifi: Vifi, taught: Path) -> None:
    outcome = vifi("search", "@green", "--path", "*green*", "--jsonl")
    assert outcome.exit_code == 1
    assert len(outcome.stdout.splitlines()) == CLIPS
    assert "nothing relevant found that you have not marked" in outcome.stderr
    in_one_argument = vifi("search", "@green + @blue")
    assert in_one_argument.exit_code == 2
    assert "as an argument of its own" in in_one_argument.stderr
    assert vifi("search", "@green", "+", "@blue", "-", "0.5:@red", "-t", "1").exit_code == 0


def test_unknown_names_are_answered_with_the_nearest(vifi: Vifi, taught: Path) -> None:
    outcome = vifi("search", "@gren")
    assert outcome.exit_code == 2
    assert outcome.stderr == (
        "error: no concept is called @gren: did you mean @green? For the words, write text:@gren\n"
    )
    assert vifi("search", "text:@gren").exit_code in (0, 1)
    assert "no concept is called @gren" in vifi("concepts", "show", "@gren").stderr
    assert (
        "@green names a concept: search for it with `vifi search @green`" in vifi("similar", "@green").stderr
    )


def test_concepts_are_listed_and_shown(vifi: Vifi, taught: Path) -> None:
    lines = vifi("concepts").stdout.splitlines()
    assert lines[0].split("\t") == ["Concept", "Right", "Wrong", "State", "Description"]
    assert [line.split("\t")[:3] for line in lines[1:]] == [
        ["@blue", "4", "8"],
        ["@green", "4", "8"],
        ["@red", "2", "8"],
    ]
    assert {line.split("\t")[3] for line in lines[1:]} == {"learned when you search"}
    vifi("search", "@red")
    assert vifi("concepts").stdout.splitlines()[3].split("\t")[3].startswith("precision ")
    vifi("teach", "new", "a new one", "--list")
    assert "@new\t0\t0\tneeds marks\ta new one" in vifi("concepts").stdout.splitlines()
    vifi("concepts", "delete", "new", "--yes")
    listed = json.loads(vifi("concepts", "--json").stdout)
    assert [(each["name"], each["right"], each["wrong"]) for each in listed] == [
        ("blue", 4, 8),
        ("green", 4, 8),
        ("red", 2, 8),
    ]
    shown = vifi("concepts", "show", "@red").stdout.splitlines()
    assert shown[0] == "Mark\tStart\tEnd\tVideo"
    assert sum(line.startswith("right\t0.000\t") for line in shown) == 2
    marks = json.loads(vifi("concepts", "show", "red", "--json").stdout)["marks"]
    assert [mark["mark"] for mark in marks].count("wrong") == 8
    assert all(mark["in_index"] for mark in marks)


def test_a_mark_is_opened_by_its_number(vifi: Vifi, taught: Path) -> None:
    assert "@red" in vifi("concepts", "show", "red", is_terminal=True).stdout
    outcome = vifi("open", "1", "--player", "echo {path}")
    assert outcome.exit_code == 0, outcome.stderr
    assert vifi("open", "11").stderr.startswith(
        "error: there is no hit 11: the last search (@red) has 10 hits"
    )


def test_concepts_are_renamed_and_deleted(vifi: Vifi, taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vifi("concepts", "rename", "red", "blue").exit_code == 2
    assert vifi("concepts", "rename", "@red", "scarlet").stderr == "@red is now called @scarlet\n"
    refused = vifi("concepts", "delete", "scarlet", "@green")
    assert refused.exit_code == 2
    assert "this would delete @scarlet, @green with 22 marks: say --yes" in refused.stderr
    for answer, left in (("n\n", 3), ("", 3), ("what\ny\n", 1)):
        typed = StringIO(answer)
        monkeypatch.setattr(typed, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", typed)
        assert vifi("concepts", "delete", "scarlet", "green").exit_code == (0 if left == 1 else 1)
        assert len(vifi("concepts").stdout.splitlines()) == left + 1
    assert vifi("concepts", "delete", "blue", "nothing", "--yes").exit_code == 2
    assert json.loads(vifi("concepts", "delete", "blue", "--yes", "--json").stdout) == {"deleted": ["blue"]}
    empty = vifi("concepts")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "you have taught no concepts yet" in empty.stderr


def test_concepts_are_exported_and_imported(vifi: Vifi, taught: Path, tmp_path: Path) -> None:
    file, table = tmp_path / "colors.json", tmp_path / "clips.csv"
    assert vifi("concepts", "export", "red", "green", "-o", file).stderr == f"{file}: 2 concepts\n"
    taken = vifi("concepts", "import", file)
    assert taken.exit_code == 2
    assert "already called @red" in taken.stderr
    assert vifi("concepts", "delete", "red", "green", "--yes").exit_code == 0
    imported = json.loads(vifi("concepts", "import", file, "--json").stdout)
    assert imported == [{"name": "red", "obstacle": None}, {"name": "green", "obstacle": None}]
    exported = vifi("concepts", "export", "red", "green", "blue", "-o", table, "--json")
    assert json.loads(exported.stdout)["file"] == str(table)
    assert vifi("data", "check", table, "--no-decode", "--json").exit_code in (0, 1)
    assert "let the name end in" in vifi("concepts", "export", "red", "-o", tmp_path / "a.txt").stderr


def test_damaged_concepts_leave_other_searches_alone(vifi: Vifi, taught: Path) -> None:
    (taught / "index-concepts.sqlite3").write_bytes(b"no database" * 1000)
    assert vifi("search", "a red picture", "-t", "1", "--min-score", "0").exit_code == 0
    for command in (("search", "@red"), ("concepts",), ("concepts", "show", "red")):
        outcome = vifi(*command)
        assert outcome.exit_code == 2
        assert "index-concepts.sqlite3 cannot be read as concepts" in outcome.stderr
    assert completion.concepts("") == []


def test_names_are_completed(taught: Path) -> None:
    assert completion.concepts("") == [
        ("blue", "a blue picture"),
        ("green", "a green picture"),
        ("red", "a red picture"),
    ]
    assert [name for name, _ in completion.query_words("@g")] == ["@blue", "@green", "@red"]
    assert completion.query_words("g") == []
