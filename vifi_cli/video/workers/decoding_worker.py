"""A decoding process as its parent sees it: started, given a job, listened to, found dead or hanging, ended."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Generic, TypeVar

from vifi_cli.errors import VifiError
from vifi_cli.video.workers.decoding_process import Alive

Job = TypeVar("Job")
Event = TypeVar("Event")

SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit locks of the parent's other threads
START_SECONDS = 60.0
END_SECONDS = 5.0


class WorkerLost(Exception):
    """The process is dead or hangs; the text says which, in words for the user."""


class DecodingWorker(Generic[Job, Event]):
    """A process that decodes: it is given jobs one at a time, and sends events.

    Attributes:
        connection: becomes ready when there is something to receive.
        job: what it is at, if anything.
    """

    def __init__(self, run: Callable[..., None], arguments: tuple[object, ...], stall_seconds: float) -> None:
        """Start the process.

        Args:
            run: what it does, given its end of a connection and the arguments; it sends `Alive` first.
            arguments: further ones.
            stall_seconds: after such a silence it is taken to hang.
        """
        self.connection: Connection
        self.connection, theirs = SPAWN.Pipe()
        self.job: Job | None = None
        self._process = SPAWN.Process(target=run, args=(theirs, *arguments), daemon=True)
        with interrupts_held_back(), _without_main():
            self._process.start()
        theirs.close()
        self._has_started = False
        self._stall_seconds = stall_seconds
        self._heard = time.monotonic()

    def begin(self, job: Job) -> None:
        """Give it something to do."""
        self.job = job
        self._heard = time.monotonic()
        try:
            self.connection.send(job)
        except OSError:  # it has died; `receive` will find out how
            return

    def seconds_of_patience(self) -> float:
        """How much longer it may be silent."""
        allowed = self._stall_seconds if self._has_started else max(self._stall_seconds, START_SECONDS)
        return max(0.0, self._heard + allowed - time.monotonic())

    def receive(self) -> Event | None:
        """What it has sent, or None if that was but a sign of life; call it when ready, or out of patience.

        Raises:
            WorkerLost: it is dead, or has been silent for too long.
            VifiError: it did not even start.
        """
        try:
            if not self.connection.poll():
                raise WorkerLost(f"decoding hung: nothing for {self._stall_seconds:g} s")
            event: Event | Alive = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._how_it_died() from error
        self._has_started = True
        self._heard = time.monotonic()
        return None if isinstance(event, Alive) else event

    def end(self) -> None:
        """Kill the process, whatever it is doing; it holds nothing worth keeping."""
        self._process.kill()
        self._process.join(END_SECONDS)  # a process that waits for a dead network disk cannot be ended
        self.connection.close()

    def _how_it_died(self) -> Exception:
        self._process.join(END_SECONDS)
        code = self._process.exitcode
        if not self._has_started:
            return VifiError(f"the decoding process does not start (exit code {code}): try `vifi doctor`")
        if code == -signal.SIGKILL:
            return WorkerLost("decoder was killed (signal 9), perhaps because memory ran out")
        if code is not None and code < 0:
            return WorkerLost(f"decoder crashed (signal {-code})")
        return WorkerLost(f"decoder ended unexpectedly (exit code {code})")


@contextmanager
def _without_main() -> Iterator[None]:
    """Let a process started here not run the program's own script, which would do its work once more.

    What the process needs lies in modules, and so nobody needs `if __name__ == "__main__":` to use them.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Let a process started here be born with Ctrl-C blocked, so that it prints no traceback while it starts."""
    resource_tracker.ensure_running()  # else starting the process would start it, and unblock signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
