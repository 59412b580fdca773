"""Work on videos in a process of its own, so that a file that crashes or hangs native code costs only itself."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Self, TypeVar

from vifi_cli.errors import UnreadableVideo, VifiError
from vifi_cli.video.workers.decoding_process import Alive, end_with_parent
from vifi_cli.video.workers.decoding_worker import DecodingWorker, WorkerLost

STALL_SECONDS = 60.0
TELL_SECONDS = 0.1  # how often progress is told at most

Result = TypeVar("Result")
Report = Callable[..., None]


class ProcessLost(UnreadableVideo):
    """The process crashed or hung over its work; the text says which."""


@dataclass(frozen=True, slots=True)
class _Progress:
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Done:
    result: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


Worker = DecodingWorker[Callable[[Report], Any], _Progress | _Done | _Failed]


class OwnProcess:
    """Calls functions in another process; a context manager. The process is started when first needed."""

    def __init__(self, stall_seconds: float = STALL_SECONDS) -> None:
        """`stall_seconds`: work that tells no progress for so long is taken to hang."""
        self._stall_seconds = stall_seconds
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def call(self, work: Callable[[Report], Result], report: Report) -> Result:
        """Does some work, a picklable function that is given a `report` to call, and gives what it returns.

        Raises:
            ProcessLost: the process crashed or hung over it.
            VifiError: the work raises it, or any exception but an OSError, which becomes UnreadableVideo.
            OSError: the work raises it.
        """
        worker = self._worker = self._worker or DecodingWorker(run, (), self._stall_seconds)
        worker.begin(work)
        try:
            outcome = _hear(worker, report)
        except WorkerLost as lost:
            self.end()
            raise ProcessLost(str(lost)) from lost
        except BaseException:  # an interruption, say: the process is still at work, and nobody waits for it
            self.end()
            raise
        if isinstance(outcome, _Failed):
            raise outcome.error
        result: Result = outcome.result
        return result

    def end(self) -> None:
        """Ends the process; a call that is under way in another thread raises UnreadableVideo."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()


def _hear(worker: Worker, report: Report) -> _Done | _Failed:
    while True:
        wait([worker.connection], worker.seconds_of_patience())
        event = worker.receive()
        if isinstance(event, _Progress):
            report(*event.arguments)
        elif event is not None:
            return event


def run(connection: Connection) -> None:
    """What the other process does until killed: the work that comes through the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=end_with_parent, daemon=True).start()
    connection.send(Alive())
    while True:
        work: Callable[[Report], Any] = connection.recv()
        connection.send(_outcome(work, _report_to(connection)))


def _outcome(work: Callable[[Report], Any], report: Report) -> _Done | _Failed:
    try:
        return _Done(work(report))
    except VifiError as error:
        return _Failed(error)
    except OSError as error:
        return _Failed(OSError(error.errno, error.strerror, error.filename))
    except Exception as error:  # noqa: BLE001  one file must never cost the others, whatever is wrong with it
        return _Failed(UnreadableVideo(f"it failed: {type(error).__name__}: {error}"))


def _report_to(connection: Connection) -> Report:
    """A function that tells the parent what it is told: at once what is new, and not too often how far it has come.

    The last argument says how far, those before it with what.
    """
    last, told_of = 0.0, None

    def report(*arguments: Any) -> None:
        nonlocal last, told_of
        now = time.monotonic()
        if now - last > TELL_SECONDS or arguments[:-1] != told_of:
            last, told_of = now, arguments[:-1]
            connection.send(_Progress(arguments))

    return report
