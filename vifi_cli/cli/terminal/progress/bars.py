"""How commands report progress on stderr: notes, and bars with the time left, or now and then a line for a log."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.progress.line import Work, bar_line, log_line
from vifi_cli.cli.terminal.progress.live_lines import LiveLines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from vifi_cli.api.feedback import Task

LOGGED_AFTER_SECONDS = (30, 60, 120, 300, 600, 1200)
LOGGED_EVERY_SECONDS = 1800


class TerminalFeedback:
    """Feedback on stderr: lines that change on a terminal, elsewhere a line now and then about long work."""

    note = staticmethod(output.note)
    warn = staticmethod(output.warning)

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._going_on: list[Work] = []  # the outermost first
        self._lines: LiveLines | None = None
        self._log = LogTimes()

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Shows on a terminal that something goes on."""
        work = Work(what, time.monotonic(), is_counted=False)
        with self._shown(work):
            work.done = 0.0
            yield

    @contextmanager
    def task(self, what: str, total: float | None = None, unit: str = "") -> Iterator[Task]:
        """Shows a bar from the first progress on."""
        work = Work(what, time.monotonic(), unit, total)

        def report(done: float, total: float | None = None, *, what: str = "", at: str = "") -> None:
            now = time.monotonic()
            with self._lock:
                work.advance(now, done, total, what, at)
                is_logged = self._lines is None and work is self._going_on[0] and self._log.is_due(now)
            if is_logged:
                output.note(log_line(work, now))

        with self._shown(work):
            yield report

    @contextmanager
    def _shown(self, work: Work) -> Iterator[None]:
        with self._lock:
            if not self._going_on:
                self._begin(work.started)
            self._going_on.append(work)
        try:
            yield
        finally:
            with self._lock:
                self._going_on.remove(work)
                ended = None if self._going_on else self._lines
                self._lines = self._lines if self._going_on else None
            if ended:
                output.messages.console = None
                ended.stop()

    def _begin(self, now: float) -> None:
        self._log = LogTimes(now)
        if can_redraw():
            self._lines = LiveLines(self._draw)
            output.messages.console = self._lines.console
            self._lines.start()

    def _draw(self, console: Console, width: int) -> Sequence[Text]:
        now = time.monotonic()
        with self._lock:
            begun = [work for work in self._going_on if work.done is not None]
            shown = [work for work in begun if work.done or work is self._going_on[-1]]
            names = max((work.name_width for work in shown if work.share() is not None), default=0)
            return [bar_line(work, now, console, width, names) for work in shown]


class LogTimes:
    """When to write a line about long work where nothing can be redrawn: less and less often."""

    def __init__(self, started: float = 0.0) -> None:
        self._started, self._written = started, 0

    def is_due(self, now: float) -> bool:
        """Whether to write a line now; the next one is due later."""
        taken = now - self._started
        passed = sum(taken >= seconds for seconds in LOGGED_AFTER_SECONDS)
        due = passed + int(max(taken - LOGGED_AFTER_SECONDS[-1], 0) // LOGGED_EVERY_SECONDS)
        is_due, self._written = due > self._written, max(due, self._written)
        return is_due


def can_redraw() -> bool:
    """Whether stderr is a terminal that moves its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


ON_TERMINAL = TerminalFeedback()


def load_torch() -> None:
    """Imports torch, which takes seconds, the first time many, and shows that on a terminal."""
    from vifi_cli.api.feedback import is_first_process

    if is_first_process():
        with ON_TERMINAL.busy("Loading PyTorch"):
            import_module("torch")
