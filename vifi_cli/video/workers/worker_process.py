"""A process that works on videos, seen from both of its ends.

Native code that hangs or crashes takes down this process only. The process does one piece of work after another until
it is killed, and ends when its parent does, however that ends. See `messages` for what it sends.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any

from vifi_cli.errors import VifiError
from vifi_cli.video.workers.messages import Done, Failed, Message, Progress, Started, packed, receive

SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit locks of the parent's other threads
START_SECONDS = 60.0
END_SECONDS = 5.0
REPORT_SECONDS = 0.1  # between two reports on the same thing


class WorkerLost(Exception):
    """The process is dead or hangs; the text says which, in words for the user."""


class Reporter:
    """Lets a piece of work tell the parent process about itself while it runs.

    Sending waits until the parent takes what was sent, which bounds how far the work runs ahead.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last, self._subject = 0.0, ()

    def report(self, *arguments: Any) -> None:
        """Reports progress: a new subject at once, positions in the same one at most every 0.1 s.

        Args:
            arguments: the subject, and last how far the work has come in it; none at all for a sign of life.
        """
        now = time.monotonic()
        if now - self._last > REPORT_SECONDS or arguments[:-1] != self._subject:
            self._last, self._subject = now, arguments[:-1]
            self.send(Progress(arguments))

    def send(self, message: Message) -> None:
        """Sends a message; raises TypeError before anything is sent if it cannot be."""
        for part in packed(message):
            self._connection.send_bytes(part)


Work = Callable[[Reporter], Any]


class WorkerProcess:
    """The process as its parent sees it: started, given work, listened to, found dead or hanging, ended.

    Attributes:
        connection: becomes ready when there is something to receive.
    """

    def __init__(self, stall_seconds: float) -> None:
        """Starts the process, which counts as hanging after so many seconds of silence."""
        self.connection: Connection
        self.connection, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        with interrupts_held_back(), _without_main():
            self._process.start()
        theirs.close()
        self._has_started = False
        self._stall_seconds = stall_seconds
        self._heard = time.monotonic()

    def begin(self, work: Work) -> None:
        """Gives it a picklable piece of work."""
        self._heard = time.monotonic()
        try:
            self.connection.send(work)
        except OSError:  # it has died; `receive` will find out how
            return

    def seconds_of_patience(self) -> float:
        """How much longer it may be silent."""
        allowed = self._stall_seconds if self._has_started else max(self._stall_seconds, START_SECONDS)
        return max(0.0, self._heard + allowed - time.monotonic())

    def receive(self) -> Message:
        """What it has sent; call it when the connection is ready, or out of patience.

        Raises:
            WorkerLost: it is dead, has been silent for too long, or sent something that makes no sense.
            VifiError: it did not even start.
        """
        try:
            if not self.connection.poll():
                raise WorkerLost(f"decoding hung: nothing for {self._stall_seconds:g} s")
            message = receive(self.connection)
        except (EOFError, OSError) as error:
            raise self._how_it_died() from error
        except ValueError as error:
            raise WorkerLost("decoder damaged its own memory") from error
        self._has_started = True
        self._heard = time.monotonic()
        return message

    def end(self) -> None:
        """Kills the process, whatever it is doing; it holds nothing worth keeping."""
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


def _serve(connection: Connection) -> None:
    """What the process does: the work that comes through the connection, until it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    reporter = Reporter(connection)
    reporter.send(Started())
    while True:
        work: Work = connection.recv()
        try:
            reporter.send(Done(work(reporter)))
        except Exception as error:  # noqa: BLE001  one file must never cost the others, whatever is wrong with it
            reporter.send(Failed.by(error))


def _end_with_parent() -> None:
    """Ends this process at once when the parent is gone, even while native code is running."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(0)


@contextmanager
def _without_main() -> Iterator[None]:
    """Lets a process started here not run the program's own script, which would do its work once more.

    What the process needs is in modules, so nobody needs `if __name__ == "__main__":` to use them.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Lets a process started here be born with Ctrl-C blocked, so that it prints no traceback while it starts."""
    resource_tracker.ensure_running()  # else starting the process would start it, and unblock signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
