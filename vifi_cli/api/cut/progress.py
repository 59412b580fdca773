"""How far a cut has come: seconds of video written, in all its outputs, as one piece of work."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from vifi_cli.api.feedback import Feedback, Task


class CutProgress:
    """Adds the pieces of a cut up, and tells whoever waits. A context manager."""

    def __init__(self, feedback: Feedback) -> None:
        self._feedback = feedback
        self._open = ExitStack()
        self._task: Task | None = None
        self._done_seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def plan(self, what: str, seconds: float) -> None:
        """Starts anew, for so many seconds of work."""
        self._open.close()
        self._task = self._open.enter_context(self._feedback.task(what, max(seconds, 1e-3)))
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
                self._task(begins + effort * min(done_seconds, seconds), what=what, at=at)

        report(0.0)
        return report
