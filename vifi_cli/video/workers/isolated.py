"""Calls functions on videos in a process of their own, so that a file that crashes or hangs it costs only itself."""

from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait
from typing import Any, Self, TypeVar

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.workers.messages import Done, Failed, Progress
from vifi_cli.video.workers.worker_process import Reporter, WorkerLost, WorkerProcess

STALL_SECONDS = 60.0

Result = TypeVar("Result")
Report = Callable[..., None]


class ProcessLost(UnreadableVideo):
    """The process crashed or hung during its work; the text says which."""


class IsolatedWorker:
    """Calls functions in another process; a context manager. The process starts when first needed."""

    def __init__(self, stall_seconds: float = STALL_SECONDS) -> None:
        """`stall_seconds`: work that reports no progress for so long counts as hanging."""
        self._stall_seconds = stall_seconds
        self._process: WorkerProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def call(self, function: Callable[[Report], Result], report: Report) -> Result:
        """Calls a picklable function, which is given a `report` to call; returns its result.

        Raises:
            ProcessLost: the process crashed or hung.
            VifiError: the function raises it, or any exception but an OSError, which becomes UnreadableVideo.
            OSError: the function raises it.
        """
        process = self._process = self._process or WorkerProcess(self._stall_seconds)
        process.begin(partial(_call, function))
        try:
            outcome = _listen(process, report)
        except WorkerLost as lost:
            self.end()
            raise ProcessLost(str(lost)) from lost
        except BaseException:  # an interruption, say: the process is still at work, and nobody waits for it
            self.end()
            raise
        if isinstance(outcome, Failed):
            raise outcome.error()
        result: Result = outcome.result
        return result

    def end(self) -> None:
        """Ends the process; a call in another thread raises UnreadableVideo."""
        process, self._process = self._process, None
        if process is not None:
            process.end()


def _call(function: Callable[[Report], Any], reporter: Reporter) -> Any:
    return function(reporter.report)


def _listen(process: WorkerProcess, report: Report) -> Done | Failed:
    while True:
        wait([process.connection], process.seconds_of_patience())
        message = process.receive()
        if isinstance(message, Progress):
            report(*message.arguments)
        elif isinstance(message, Done | Failed):
            return message
