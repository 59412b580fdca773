"""The progress bar of a cut: seconds of video written, in all its outputs, and the time left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from rich.progress import TaskID

from vifi_cli.cli import output


class CutProgress:
    """Shows on a terminal how far a cut has come. A context manager."""

    def __init__(self) -> None:
        self._bar = output.progress("{task.fields[at]}")
        self._task: TaskID | None = None
        self._done_seconds = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def plan(self, what: str, seconds: float) -> None:
        """Starts a bar anew, for so many seconds of work."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=max(seconds, 1e-3), at="")
        self._done_seconds = 0.0

    def piece(self, what: str, at: str, seconds: float, effort: float = 1.0) -> Callable[[float], None]:
        """Begins a piece of the work, after what was done before; gives what is told how much of it is done.

        Args:
            what: what is being done.
            at: which piece of it.
            seconds: how much it is.
            effort: what a second takes, beside others.
        """
        begins = self._done_seconds
        self._done_seconds += effort * seconds

        def report(done_seconds: float) -> None:
            if self._task is not None:
                done = begins + effort * min(done_seconds, seconds)
                self._bar.update(self._task, completed=done, description=what, at=at)

        report(0.0)
        return report
