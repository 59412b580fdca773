"""`vifi shell` as programs and people use it."""

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome, Vifi
from tests.made_videos import textured_frames, write_video

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60.0

Piped = Callable[..., Outcome]


@pytest.fixture
def piped(vifi: Vifi, monkeypatch: pytest.MonkeyPatch) -> Piped:
    """Runs `vifi shell` with lines in a pipe."""

    def run(lines: str | bytes, *options: object) -> Outcome:
        content = lines if isinstance(lines, bytes) else lines.encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        return vifi("shell", *options)

    return run


def answers(outcome: Outcome) -> list[list[str]]:
    """The lines of each answer, which an empty line ends."""
    ended = list[list[str]]()
    lines = list[str]()
    for line in outcome.stdout.splitlines():
        if line:
            lines.append(line)
        else:
            ended.append(lines)
            lines = []
    assert not lines
    return ended


def test_each_line_is_answered_as_a_search_would(vifi: Vifi, indexed: Path, piped: Piped) -> None:
    lines = ["a rocket -t 1", "a cup of coffee --by video", f'"{indexed}/pets.mp4@0:06" + 0.1:cat -t 2']
    outcome = piped("\n".join(lines))
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    expected = [
        vifi("search", "a rocket", "-t", 1),
        vifi("search", "a cup of coffee", "--by", "video"),
        vifi("search", f"{indexed}/pets.mp4@0:06", "+", "0.1:cat", "-t", 2),
    ]
    assert answers(outcome) == [one.stdout.splitlines() for one in expected]


def test_with_json_each_answer_is_a_line(vifi: Vifi, indexed: Path, piped: Piped) -> None:
    outcome = piped("a cat\n\n  \na rocket --path nowhere\n", "--json", "-t", 1)
    assert outcome.exit_code == 0
    cat, rocket = map(json.loads, outcome.stdout.splitlines())
    assert (cat["query"], rocket["query"]) == ("a cat", "a rocket")
    assert cat == json.loads(vifi("search", "a cat", "--json", "-t", 1).stdout)
    assert rocket["hits"] == []


def test_words_in_a_script_that_the_encoder_does_not_read_get_one_hint(indexed: Path, piped: Piped) -> None:
    outcome = piped("кот + 2:собака\n猫\ncafé\n", "--json")
    assert [json.loads(line)["query"] for line in outcome.stdout.splitlines()] == [
        "кот + 2:собака",
        "猫",
        "café",
    ]
    assert outcome.stderr.count("starter reads English only, and the query is in Cyrillic") == 1
    assert outcome.stderr.count("reads English only") == 1


def test_options_of_the_shell_hold_for_lines_that_say_nothing_else(indexed: Path, piped: Piped) -> None:
    outcome = piped("coffee\ncoffee -t 3\n", "-t", 1, "-f", "--per-video", 1, "--min-score", 0)
    assert [len(answer) for answer in answers(outcome)] == [1, 3]


def test_a_line_that_makes_no_sense_costs_only_itself(indexed: Path, piped: Piped) -> None:
    lines = [
        "a rocket",
        'a 5" disk',
        "rocket - rocket",
        "rocket --tpo 1",
        "rocket --top many",
        "./gone.jpg",
        "--top 1",
        "a cat",
    ]
    outcome = piped("\n".join(lines), "-t", 1)
    assert outcome.exit_code == 2
    errors = outcome.stderr.splitlines()
    assert [error.split(": ")[:2] for error in errors] == [["error", f"line {n}"] for n in range(2, 8)]
    first, *empty, last = answers(outcome)
    assert empty == [[]] * 6
    assert "launch.mp4" in first[0]
    assert "pets.mp4" in last[0]


def test_lines_that_are_no_text_are_refused_and_files_of_any_name_taken(
    vifi: Vifi, starter: None, clips: Path, tmp_path: Path, piped: Piped
) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    odd.write_bytes((clips / "launch.mp4").read_bytes())
    vifi("index", tmp_path, "--model", "starter")
    outcome = piped(b"\xef\xbb\xbfa rocket\ncaf\xe9\nnul\0\n" + os.fsencode(odd) + b"@0:01\n", "--json")
    first, last = map(json.loads, outcome.stdout.splitlines())
    assert first["query"] == "a rocket", "without the byte order mark"
    assert last["hits"][0]["path"] == str(odd)
    assert "line 2: the query is not valid UTF-8" in outcome.stderr
    assert "line 3: the query holds a NUL" in outcome.stderr


def test_commands_answer_as_on_the_command_line(
    vifi: Vifi, indexed: Path, piped: Piped, tmp_path: Path
) -> None:
    lines = [
        "a rocket",
        f"similar {indexed}/pets.mp4@0:06 -f",
        f"cut a rocket -t 1 --list {tmp_path}/hits.csv --json",
        "cut - -o x",
        "open 5",
        "help similar",
    ]
    outcome = piped("\n".join(lines), "-t", 2, "-m", "starter")
    assert outcome.exit_code == 2
    assert outcome.stderr.splitlines() == [
        "error: line 4: - reads hits from a pipe, which the shell has not: run `vifi cut -` outside",
        f"error: line 5: there is no hit 5: the last search ({indexed}/pets.mp4@0:06) has 2 hits",
    ]
    found = outcome.stdout.split("\n\n")
    assert found[0] + "\n" == vifi("search", "a rocket", "-t", 2).stdout
    assert found[1] + "\n" == vifi("similar", f"{indexed}/pets.mp4@0:06", "-f", "-t", 2).stdout
    assert json.loads(found[2].splitlines()[0])["files"] == [f"{tmp_path}/hits.csv"]
    assert "Usage: similar [OPTIONS] FILE[@TIME]" in outcome.stdout


def test_what_cannot_begin_is_said_before_any_line(
    vifi: Vifi, starter: None, clips: Path, piped: Piped
) -> None:
    nothing = piped("a cat\n")
    assert nothing.exit_code == 2
    assert nothing.stderr == "error: nothing is indexed yet: run `vifi index FOLDER` first\n"
    vifi("index", clips, "--model", "starter")
    for options, says in (
        (["a", "cat"], "takes options alone"),
        (["--tpo", 3], "No such option: --tpo"),
        (["--tpo", 3], "See `vifi search --help`"),
        (["--json", "-f"], "error: --json, --jsonl, -f/-0 and --format are different outputs: choose one"),
        (["--newer", "soon"], "error: --newer"),
    ):
        outcome = piped("a cat\n", *options)
        assert outcome.exit_code == 2
        assert outcome.stdout.strip() == ""
        assert says in outcome.stderr


def test_closed_ends_of_pipes_end_it_quietly(vifi: Vifi, indexed: Path) -> None:
    program = f"{sys.executable} -m vifi_cli shell --jsonl"
    for command in (f"yes coffee | {program} | head -c 1", f"{program} <&- | cat", f"{program} </dev/null"):
        ended = subprocess.run(
            ["bash", "-c", command], cwd=ROOT, capture_output=True, timeout=PATIENCE_SECONDS, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, b""), command
        assert ended.stdout in (b"", b"{")


class Typing:
    """A person at `vifi shell` on a terminal."""

    def __init__(self, *options: str) -> None:
        self.seen = b""
        self.process_id, self.terminal = pty.fork()
        if self.process_id == 0:
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-m", "vifi_cli", "shell", *options])

    def types(self, keys: str, until: str = "vifi> ") -> str:
        """Types, and reads what comes on the screen up to and with some text."""
        start = len(self.seen)
        os.write(self.terminal, keys.encode())
        self.waits_for(until, start)
        return self.seen[start:].decode()

    def presses_ctrl_c(self) -> str:
        """Types Ctrl-C once the shell waits for keys; between two keys, Python's readline would miss the signal."""
        state = Path(f"/proc/{self.process_id}/stat")
        while state.exists() and not state.read_text().rpartition(")")[2].startswith(" S"):
            time.sleep(0.001)
        return self.types("\x03")

    def waits_for(self, text: str, start: int = 0) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text.encode() not in self.seen[start:]:
            assert time.monotonic() < deadline, self.seen.decode()
            if select.select([self.terminal], [], [], 1.0)[0]:
                self.seen += os.read(self.terminal, 65536)

    def leaves(self, keys: str) -> int:
        """Types what ends the shell; gives its exit code."""
        os.write(self.terminal, keys.encode())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if not select.select([self.terminal], [], [], 1.0)[0]:
                continue
            try:
                self.seen += os.read(self.terminal, 65536)
            except OSError:  # the other end is closed
                return os.waitstatus_to_exitcode(os.waitpid(self.process_id, 0)[1])
        os.kill(self.process_id, signal.SIGKILL)
        raise AssertionError(f"it has not ended: {self.seen.decode()}")


@pytest.fixture
def typing(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typing]:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "200")  # so that no path is broken
    person = Typing("-t", "1")
    person.waits_for("vifi> ")
    yield person
    os.close(person.terminal)


@pytest.mark.slow
def test_a_person_asks_edits_and_leaves(typing: Typing, vifi_home: Path, vifi: Vifi, clips: Path) -> None:
    assert "of 4 videos, by starter" in typing.seen.decode()
    assert "launch.mp4" in typing.types("a rocket\r")
    assert "pets.mp4" in typing.types("a cat's whiskers\r")
    typing.types("half a line", until="half a line")
    assert "error" not in typing.presses_ctrl_c(), "Ctrl-C gives it up"
    assert "No such option: --tpo" in typing.types("a cat --tpo\r")
    assert "Usage" in typing.types("--help\r")
    assert "open hit N of the last search" in typing.types("help\r")
    assert "there is no hit 9: the last search (a cat's whiskers) has 1 hit" in typing.types("open 9\r")
    assert "kitchen.mp4" in typing.types(f"simil\t{clips}/pet\t\b@0:01\r"), "Tab completes commands and files"
    assert "no hits among the videos asked for" in typing.types("a cat --path nowhere\r")
    assert "launch.mp4" in typing.types(f"{clips}/laun\t\r"), "Tab completes names of files"
    assert typing.leaves("\x04") == 0
    assert b"Traceback" not in typing.seen
    history = (vifi_home / "shell-history").read_text().splitlines()
    assert history[:2] == ["a rocket", "a cat's whiskers"]
    again = Typing("-t", "1")
    again.waits_for("vifi> ")
    assert "launch.m" in again.types("\x1b[A\r"), "the arrow brings the last line of all back"
    assert again.leaves("exit\r") == 0
    os.close(again.terminal)


@pytest.mark.slow
def test_ctrl_c_stops_a_search_and_not_the_shell(
    indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = write_video(tmp_path / "long.mp4", textured_frames(3000), gop=3000)
    monkeypatch.setenv("TERM", "xterm")
    person = Typing("-t", "1")
    person.waits_for("vifi> ")
    person.types(f"{long}\r", until="Looking at")
    assert "stopped" in person.types("\x03")
    assert "launch.m" in person.types("a rocket\r")
    assert person.leaves("\x04") == 0
    os.close(person.terminal)


def test_the_shell_sees_what_the_index_becomes(
    vifi: Vifi, starter: None, clips: Path, tmp_path: Path, vifi_home: Path
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "coffee.mp4").write_bytes((clips / "kitchen.mp4").read_bytes())
    vifi("index", folder, "--model", "starter")
    shell = subprocess.Popen(
        [sys.executable, "-m", "vifi_cli", "shell", "--json", "-t", "1", "--min-score", "0"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert shell.stdin
    assert shell.stdout

    def best() -> str:
        shell.stdin.write("a rocket\n")
        shell.stdin.flush()
        return Path(json.loads(shell.stdout.readline())["hits"][0]["path"]).name

    assert best() == "coffee.mp4"
    (folder / "launch.mp4").write_bytes((clips / "launch.mp4").read_bytes())
    vifi("index")
    assert best() == "launch.mp4", "a video was added"
    (folder / "launch.mp4").rename(folder / "rocket.mp4")
    vifi("index")
    assert best() == "rocket.mp4", "a video was moved"
    assert vifi("index", "--rebuild", "--fps", 2).exit_code == 0
    assert best() == "rocket.mp4"
    (folder / "rocket.mp4").unlink()
    vifi("index")
    assert best() == "coffee.mp4", "it searches the rebuilt index"
    shell.communicate(timeout=PATIENCE_SECONDS)
    assert shell.returncode == 0
