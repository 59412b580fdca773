"""Calls functions on videos in another process, so that a file that crashes or hangs native code costs only itself.

The process makes one call after another until it is killed, and ends when its parent ends, for whatever reason.
`messages` describes what it sends.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any, Self, TypeVar

from vifi_cli.errors import VideoOutOfReach, VifiError
from vifi_cli.video.workers.messages import Done, Failed, Message, Progress, Value, packed, receive

SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit locks of the parent's other threads
STALL_SECONDS = 60.0
START_SECONDS = 60.0
END_SECONDS = 5.0
REPORT_SECONDS = 0.1  # between two reports on the same subject
ONE_START = threading.Lock()

Result = TypeVar("Result")
Report = Callable[..., None]


class WorkerLost(VideoOutOfReach):
    """The process is dead or hangs; the text says which, in words for the user."""


class Reporter:
    """Reports to the parent, on behalf of a function in the worker process.

    Sending waits until the parent takes what was sent, which bounds how far the function runs ahead.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last, self._subject = 0.0, ()

    def __call__(self, *arguments: Any) -> None:
        """Reports a subject and, as the last argument, the position in it; without arguments, a sign of life.

        A new subject goes out at once, positions in the same one at most every 0.1 s.
        """
        now = time.monotonic()
        if now - self._last > REPORT_SECONDS or arguments[:-1] != self._subject:
            self._last, self._subject = now, arguments[:-1]
            self.send(Progress(arguments))

    def send(self, message: Message) -> None:
        """Sends a message; raises TypeError, before sending anything, if a part cannot be sent."""
        for part in packed(message):
            self._connection.send_bytes(part)


class IsolatedWorker:
    """Calls functions in another process, which starts when first needed; a context manager."""

    def __init__(self, stall_seconds: float = STALL_SECONDS) -> None:
        """A function that reports nothing for `stall_seconds` counts as hanging."""
        self._stall_seconds = stall_seconds
        self._process: _Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def call(self, function: Callable[[Reporter], Result], report: Report) -> Result:
        """Calls a picklable function, passes what it reports to `report`, and returns its result.

        Raises:
            WorkerLost: the process crashed or hung.
            VifiError: the function raises it, or the process does not start. Other exceptions of the function except
                OSError become UnreadableVideo.
            OSError: the function raises it.
        """
        process = self.start()
        try:
            outcome = process.call(function, report)
        except BaseException:  # the process is lost, or still working and nobody waits for it
            self.end()
            raise
        if isinstance(outcome, Failed):
            raise outcome.error()
        result: Result = outcome.result
        return result

    def start(self) -> "_Process":
        """Starts the process, unless it is running."""
        self._process = process = self._process or _Process(self._stall_seconds)
        return process

    def end(self) -> None:
        """Ends the process; a call in another thread raises WorkerLost."""
        process, self._process = self._process, None
        if process is not None:
            process.end()


class _Process:
    """The process as its parent sees it: gives it calls, listens to it, finds it dead or hanging, ends it."""

    def __init__(self, stall_seconds: float) -> None:
        self._connection: Connection
        self._connection, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        with starting_process():
            self._process.start()
        theirs.close()
        self._has_started = False
        self._stall_seconds = stall_seconds

    def call(self, function: Callable[[Reporter], Any], report: Report) -> Done | Failed:
        with suppress(OSError):  # it has died; receiving will say how
            self._connection.send(function)
        while True:
            message = self._receive()
            if isinstance(message, Done | Failed):
                return message
            if isinstance(message, Value):
                report(message.value)
            elif message.arguments:
                report(*message.arguments)

    def end(self) -> None:
        """Kills the process, which holds nothing worth keeping."""
        self._process.kill()
        self._process.join(END_SECONDS)  # a process that waits for a dead network disk does not end
        self._connection.close()

    def _receive(self) -> Message:
        patience = self._stall_seconds if self._has_started else max(self._stall_seconds, START_SECONDS)
        try:
            if not self._connection.poll(patience):
                raise WorkerLost(f"decoding hung: nothing for {self._stall_seconds:g} s")
            message = receive(self._connection)
        except (EOFError, OSError) as error:
            raise self._how_it_died() from error
        except ValueError as error:
            raise WorkerLost("decoder damaged its own memory") from error
        self._has_started = True
        return message

    def _how_it_died(self) -> VifiError:
        self._process.join(END_SECONDS)
        code = self._process.exitcode
        if not self._has_started and code != -signal.SIGKILL:
            return VifiError(f"the decoding process does not start (exit code {code}): try `vifi doctor`")
        if code == -signal.SIGKILL:
            return WorkerLost("decoder was killed (signal 9), perhaps because memory ran out")
        if code is not None and code < 0:
            return WorkerLost(f"decoder crashed (signal {-code})")
        return WorkerLost(f"decoder ended unexpectedly (exit code {code})")


def _serve(connection: Connection) -> None:
    """Makes the calls that come through the connection, until the process is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    reporter = Reporter(connection)
    reporter.send(Progress(()))
    while True:
        function: Callable[[Reporter], Any] = connection.recv()
        try:
            reporter.send(Done(function(reporter)))
        except Exception as error:  # noqa: BLE001  one file must never cost the others, whatever is wrong with it
            reporter.send(Failed.by(error))


def _end_with_parent() -> None:
    """Ends this process at once when the parent is gone, even while native code is running."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(0)


@contextmanager
def starting_process() -> Iterator[None]:
    """Keeps a process started here from running the program's own script again, and blocks Ctrl-C in it.

    The process needs only modules, so scripts that use vifi need no `if __name__ == "__main__":`. With Ctrl-C blocked
    it prints no traceback while it starts.
    """
    resource_tracker.ensure_running()  # else starting the process would start it, and unblock signals
    with ONE_START:  # else another thread would mistake the empty module for the program's own
        main = sys.modules["__main__"]
        signals_before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            signal.pthread_sigmask(signal.SIG_SETMASK, signals_before)
