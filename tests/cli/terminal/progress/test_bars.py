"""Progress on a terminal, where lines change in place, and in a log, which gets a line now and then."""

import sys

import pytest
from rich.control import Control

from tests.cli.conftest import Stream, _written
from tests.cli.terminal.screen import Screen
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.progress import bars
from vifi_cli.cli.terminal.progress.bars import LogTimes, TerminalFeedback, load_torch


class Terminal:
    """Where stderr leads, and what is on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stream = Stream("utf-8", is_terminal=True)
        self.screen = Screen(60)
        self._read = 0
        settings = {"TERM": "xterm-256color", "COLUMNS": "60", "LINES": "20", "NO_COLOR": "1"}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stderr", self.stream)
        monkeypatch.setattr("sys.stdout", Stream("utf-8", is_terminal=False))

    def shown(self) -> list[str]:
        text = _written(self.stream)
        self.screen.write(text[self._read :])
        self._read = len(text)
        return self.screen.shown()


def redraw() -> None:
    """Draws now what is otherwise drawn in a moment."""
    assert output.messages.console
    output.messages.console.print(Control())


def names(lines: list[str]) -> list[str]:
    return [line.split("  ")[0] for line in lines]


def test_messages_and_other_work_never_run_into_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, feedback = Terminal(monkeypatch), TerminalFeedback()
    with feedback.task("Training") as report:
        report(0, 10)
        with feedback.busy("Loading the model"):
            redraw()
            assert [line[2:] for line in terminal.shown()] == ["Loading the model"], "nothing is done yet"
        report(3, 10)
        redraw()
        feedback.note("run: runs/a; a message far longer than the terminal is wide, which takes two rows")
        assert names(terminal.shown())[:2] == [
            "run: runs/a; a message far longer than the terminal is wide,",
            " which takes two rows",
        ]
        with feedback.task("Scoring", 4, "videos") as scored:
            scored(2)
            redraw()
            feedback.warn("one cannot be read")
            assert names(terminal.shown())[2:] == ["warning: one cannot be read", "Training", "Scoring"]
        redraw()
        assert names(terminal.shown())[2:] == ["warning: one cannot be read", "Training"]
        print("a library complains", file=sys.stderr)
        assert names(terminal.shown())[3:] == ["a library complains", "Training"]
    assert terminal.shown()[3:] == ["a library complains"], "bars are cleared"


def test_a_narrower_terminal_keeps_no_rest_of_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, feedback = Terminal(monkeypatch), TerminalFeedback()
    with feedback.task("Indexing", 10) as report:
        feedback.note("before")
        report(5, at="5/10 files · 0:42 of video")
        redraw()
        assert len(terminal.shown()) == 2
        terminal.screen.narrow(25)
        assert len(terminal.shown()) == 4
        assert output.messages.console
        output.messages.console.size = (25, 20)
        redraw()
        assert terminal.shown() == ["before", "Indexing   50%"]
    assert terminal.shown() == ["before"]


def test_an_error_clears_the_bar_and_leaves_the_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, feedback = Terminal(monkeypatch), TerminalFeedback()

    def stopped() -> None:
        with feedback.task("Cutting", 10) as report:
            report(5)
            redraw()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    output.error("stopped")
    assert terminal.shown() == ["error: stopped"]
    assert "\x1b[?25l" not in _written(terminal.stream), "the cursor is never hidden"
    assert sys.stderr is terminal.stream


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, feedback = Terminal(monkeypatch), TerminalFeedback()
    with feedback.task("Indexing", 1) as report, feedback.busy("Loading"):
        report(1)
    assert terminal.shown() == [""]


@pytest.mark.parametrize(("rank", "shown"), [("0", ["Loading PyTorch"]), ("1", [])])
def test_the_wait_for_torch_is_not_silent(
    rank: str, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal, seen = Terminal(monkeypatch), []
    for name, value in (
        ("RANK", rank),
        ("WORLD_SIZE", "2"),
        ("MASTER_ADDR", "here"),
        ("MASTER_PORT", "29500"),
    ):
        monkeypatch.setenv(name, value)

    def slow_import(name: str) -> None:
        redraw()
        seen.extend(line[2:] for line in terminal.shown() if line)  # without the spinner

    monkeypatch.setattr(bars, "import_module", slow_import)
    load_torch()
    assert seen == shown
    assert terminal.shown() == [""]


@pytest.mark.parametrize("variable", [("TERM", "dumb"), ("TERM", "xterm")])
def test_a_log_has_lines_about_long_work_alone(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable)
    stream = Stream("utf-8", is_terminal=variable == ("TERM", "dumb"))
    monkeypatch.setattr("sys.stderr", stream)
    seconds = 0.0
    monkeypatch.setattr("time.monotonic", lambda: seconds)
    feedback = TerminalFeedback()
    with feedback.task("Indexing", 7200) as report, feedback.task("Scoring", 7200) as inner:
        for done in range(7200):
            seconds += 1
            report(done)
            inner(done)
    lines = _written(stream).splitlines()
    assert [line[10:] for line in lines[:2]] == [
        "Indexing 0% · 1 h 59 min left",
        "Indexing 1% · 1 h 59 min left",
    ]
    assert len(lines) == 9


def test_a_log_of_a_day_is_short() -> None:
    log = LogTimes(0.0)
    written = [second for second in range(24 * 3600) if log.is_due(float(second))]
    assert written[:7] == [30, 60, 120, 300, 600, 1200, 3000]
    assert len(written) < 60
