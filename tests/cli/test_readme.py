"""README: what it prints is what a reader gets, in the clips of `vifi demo`, without an index of their own."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.conftest import Outcome, run_vifi
from tests.conftest import MakeOnce

README = (Path(__file__).parents[2] / "README.md").read_text()
SHOWN_HOME = "/home/you"
COLUMNS = "120"
TOLERANCE = 0.011  # of relevance
_DECIMAL = re.compile(r"(\d+\.\d+)(%?)")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")


@dataclass(frozen=True)
class Shown:
    """A command in README, and what README says that it writes."""

    command: str
    lines: tuple[str, ...]
    is_after_index: bool  # as if the reader had indexed videos, which are like those of the demo


def shown_in_readme() -> list[Shown]:
    """The commands of the console blocks that are shown with their output."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.rstrip().split("\n")
            if lines:
                found.append(Shown(command, tuple(lines), "vifi index" in block.partition(command)[0]))
    return found


@pytest.fixture(scope="module")
def demo(make_once: MakeOnce, starter_home: Path) -> Path:
    """A data folder after `vifi demo`, with what it wrote; only read it."""
    return make_once("after_demo", lambda home: _run_demo(home, starter_home))


def _run_demo(home: Path, starter_home: Path) -> None:
    (home / "cache").symlink_to(starter_home / "cache")
    (home / "demo").mkdir()
    (home / "demo" / "mine.txt").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIFI_HOME", str(home))
        outcome = run_vifi("demo")
    assert outcome.exit_code == 0, outcome.stderr
    (home / "stdout.txt").write_text(outcome.stdout)
    (home / "stderr.txt").write_text(outcome.stderr)


@pytest.fixture
def reader(demo: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home folder of somebody who has run the demo and gone to its clips; short, as tables cut long paths."""
    with TemporaryDirectory() as home:
        monkeypatch.setenv("VIFI_HOME", str(demo))
        monkeypatch.setenv("HOME", home)
        monkeypatch.setenv("COLUMNS", COLUMNS)
        monkeypatch.chdir(demo / "demo" / "clips")
        yield Path(home)


def test_the_demo_finds_what_it_shows(demo: Path) -> None:
    assert (demo / "demo" / "mine.txt").exists(), "the demo deletes only what it made"
    answers = (demo / "stdout.txt").read_text().split("$ vifi search ")[1:]
    found = {}
    for answer in answers:
        question, *hits = answer.strip().splitlines()
        best = Path(hits[0].split("\t")[3]).stem if hits else None
        found[question.partition('"')[2].rstrip('"')] = best
    shows = {
        "a cat": {"pets", "garden"},
        "a cup of coffee": {"breakfast", "pets"},
        "a rocket on its launch pad": {"cape_canaveral", "nasa"},
        "a motorcycle": {"garage", "errands"},
        "a photographer with a tripod": {"campus"},
        "people dancing": {None},
    }
    assert set(found) == set(shows)
    assert all(found[query] in videos for query, videos in shows.items()), found
    assert "nothing relevant found" in (demo / "stderr.txt").read_text()


def test_what_the_demo_advises_last_works(demo: Path, reader: Path) -> None:
    _, command, query = shlex.split((demo / "stderr.txt").read_text().splitlines()[-1])
    again = run_vifi(command, query)
    assert again.exit_code == 0
    assert Path(again.stdout.splitlines()[0].split("\t")[3]).stem == "breakfast"
    assert "`vifi index FOLDER` makes your own index" in again.stderr
    status = run_vifi("status")
    assert str(demo) in status.stdout
    assert status.stderr.startswith("in the clips of `vifi demo`; ")
    named = run_vifi("classify", "pets.mp4", "--classes", "a cup of coffee,a cat")
    assert "model: starter (the encoder of the demo)" in named.stderr


def test_readme_shows_commands_with_their_output() -> None:
    assert {shown.command.split()[1] for shown in shown_in_readme()} >= {"search", "cut", "classify"}


@pytest.mark.parametrize("shown", shown_in_readme(), ids=lambda shown: shown.command)
def test_what_readme_prints_is_what_a_reader_gets(shown: Shown, reader: Path) -> None:
    program, *arguments = shlex.split(shown.command, comments=True)
    assert program == "vifi"
    outcome = run_vifi(*(argument.replace("~", str(reader)) for argument in arguments), is_terminal=True)
    written = _as_shown(outcome, reader)
    if shown.is_after_index:
        written = [line for line in written if "clips of `vifi demo`" not in line]
    assert [_shape(line) for line in written] == [_shape(line) for line in shown.lines], outcome.stderr
    assert _numbers(written) == pytest.approx(_numbers(shown.lines), abs=TOLERANCE)


def _as_shown(outcome: Outcome, home: Path) -> list[str]:
    """What is left on the terminal, without progress: messages about what was searched and found, and output."""
    messages = [line.rpartition("\r")[2] for line in _ESCAPES.sub("", outcome.stderr).splitlines()]
    kept = [
        line for line in messages if re.match("in the clips|model: |nothing relevant|less relevant", line)
    ]
    first = [line for line in kept if line.startswith(("in the clips", "model: "))]
    last = [line for line in kept if line not in first]
    lines = [*first, *_ESCAPES.sub("", outcome.stdout).splitlines(), *last]
    return [line.replace(str(home), SHOWN_HOME) for line in lines if line.strip()]


def _shape(line: str) -> str:
    """A line without its decimals and the length of bars, which differ by a little from machine to machine.

    How wide columns are depends on how long paths are.
    """
    return re.sub("  +", "  ", re.sub("█+", "█", _DECIMAL.sub("0.0", line))).strip()


def _numbers(lines: Sequence[str]) -> list[float]:
    """The decimals of lines, percentages as shares."""
    return [float(number) / (100 if end else 1) for line in lines for number, end in _DECIMAL.findall(line)]
