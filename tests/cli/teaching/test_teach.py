"""`vifi teach`: marks from the command line, from a pipe and by keys, and what it says about them."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi, run_vifi
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.beginning import begin_teaching
from vifi_cli.api.teaching.questions import Questions
from vifi_cli.cli.teaching.dialog import Dialog, HitView
from vifi_cli.paths import index_folder


def marks() -> list[tuple[str, float, float, bool]]:
    with SearchSession(index_folder(), AUTOMATIC) as session:
        return [
            (mark.path.name, mark.start_seconds, mark.end_seconds, mark.is_right)
            for mark in session.concepts.get("pet").marks
        ]


def test_marks_come_from_the_last_search_from_files_and_from_a_pipe(
    vifi: Vifi, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vifi("search", "a cat", "-t", 3, "--min-score", 0, "--per-video", 1).exit_code == 0
    outcome = vifi("teach", "pet", "a cat", "--right", 1, "--wrong", f"{indexed}/launch.mp4@0:01-0:03")
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert outcome.stderr.startswith("1 right, 1 wrong: learned, but how much that helps")
    assert marks() == [("pets.mp4", 4.0, 8.0, True), ("launch.mp4", 1.0, 3.0, False)]
    piped = f"0.9\t0.000\t9.000\t{indexed}/kitchen.mp4\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped.encode())))
    assert vifi("teach", "@pet", "--wrong", "-").exit_code == 0
    assert marks()[2] == ("kitchen.mp4", 0.0, 4.0, False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert vifi("teach", "pet", "--right", "-").stderr.startswith("no moments came through the pipe")
    assert len(marks()) == 3
    document = json.loads(vifi("teach", "pet", "--undo", "--json", "--list").stdout)
    assert (document["name"], document["description"], len(marks())) == ("pet", "a cat", 2)
    asked = {Path(hit["path"]).name for hit in document["candidates"]}
    assert "kitchen.mp4" in asked
    assert "launch.mp4" not in asked


def test_nothing_is_marked_if_one_moment_is_wrong(vifi: Vifi, indexed: Path) -> None:
    assert vifi("teach", "pet", "a cat", "--list").exit_code == 0
    outcome = vifi(
        "teach", "pet", "--right", f"{indexed}/pets.mp4@0:05", "--wrong", f"{indexed}/launch.mp4@1:00"
    )
    assert outcome.exit_code == 2
    assert outcome.stderr == f"error: {indexed}/launch.mp4 lasts 4.0 s: nothing in it is at 1:00\n"
    assert marks() == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("pet",),
            "there is no terminal to ask on: mark with --right and --wrong, or list moments with --list",
        ),
        (("pet", "--list"), 'no concept is called @pet: begin with `vifi teach pet "what it looks like"`'),
        (("a b", "a cat", "--list"), "'a b' cannot name a concept"),
        (("pet", "a cat", "--undo", "--right", "1"), "do one at a time"),
        (("pet", "a cat", "--right", "-", "--wrong", "-"), "- reads one pipe"),
        (("pet", "a cat", "--top", "3", "--right", "1"), "--top says how many moments to list: add --list"),
        (("pet", "a cat", "--right", "1"), "nothing has been searched for yet"),
        (("pet", "a cat", "--undo"), "@pet has no marks to take back"),
    ],
)
def test_what_makes_no_sense_is_refused(
    vifi: Vifi, indexed: Path, arguments: tuple[str, ...], problem: str
) -> None:
    outcome = vifi("teach", *arguments)
    assert outcome.exit_code == 2
    assert problem in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_another_description_takes_the_place_of_the_first(vifi: Vifi, indexed: Path) -> None:
    assert vifi("teach", "pet", "a cat", "--right", f"{indexed}/pets.mp4@0:05").exit_code == 0
    outcome = vifi("teach", "pet", "an animal", "--json")
    assert outcome.stderr == '@pet is "an animal" now, and was "a cat"; its marks stay\n'
    assert json.loads(outcome.stdout)["description"] == "an animal"
    assert len(marks()) == 1


@pytest.fixture
def talk(indexed: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Answers with keys, and returns what was shown."""

    def answer(keys: str) -> str:
        typed = iter(keys)

        def read_key() -> str:
            key = next(typed)
            if key == "\x04":
                raise EOFError
            return key

        with SearchSession(index_folder(), AUTOMATIC) as session:
            begin_teaching(session, "pet", "a cat")
            Dialog(Questions(session, "pet"), "a cat?", HitView(None, None), None).talk(read_key)
        assert next(typed, None) is None
        captured = capsys.readouterr()
        return captured.out + captured.err

    return answer


def test_keys_answer_undo_and_quit(talk: Callable[[str], str]) -> None:
    shown = talk("yxuNsq")
    assert shown.count("a cat? [y/n/s/o/u/q/?]") == 6
    assert "nothing to undo" not in shown
    assert "undo your last answer" in shown, "an unknown key shows the help"
    ((video, *_, is_right),) = marks()
    assert (video, is_right) == ("pets.mp4", False)


def test_the_end_of_input_ends_the_questions_and_keeps_the_marks(talk: Callable[[str], str]) -> None:
    talk("un\x04")
    assert [mark[3] for mark in marks()] == [False]


def test_every_third_mark_tells_what_was_learned_and_the_end_is_told(talk: Callable[[str], str]) -> None:
    shown = talk("ynnn")
    assert "1 right, 2 wrong: " in shown
    assert "nothing is left to ask" in shown


class DumbTerminal(io.StringIO):
    """Gives lines, and then Ctrl-C."""

    def isatty(self) -> bool:
        return True

    def readline(self, size: int | None = -1, /) -> str:
        line = super().readline()
        if not line:
            raise KeyboardInterrupt
        return line


def test_ctrl_c_ends_the_dialog_and_keeps_what_was_marked(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stdin", DumbTerminal("yes\nn\n"))
    outcome = run_vifi("teach", "pet", "a cat", is_terminal=True)
    assert outcome.exit_code == 0
    assert [mark[3] for mark in marks()] == [True, False]
    *_, ended, report = outcome.stderr.strip().splitlines()
    assert ended == "ended"
    assert report.startswith("1 right, 1 wrong: ")
    assert "0:04 – 0:08" in outcome.stdout
