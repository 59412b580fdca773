"""Calls functions on videos in another process, so that a file that crashes or hangs native code costs only itself.

The process makes one call after another until it is killed, and ends when its parent ends, for whatever reason.
`messages` describes what it sends. A file may take the process over, so the parent trusts nothing that it sends: a
message of another type, size or speed than announced costs the call.
"""

import multiprocessing
import os
import pickle
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from types import ModuleType, NoneType
from typing import Any, Self

from vifi_cli import stop_signals
from vifi_cli.errors import ReadingBrokeOff, VifiError
from vifi_cli.video.workers.answer_reading import read_message
from vifi_cli.video.workers.messages import (
    Answers,
    Done,
    Failed,
    Message,
    Progress,
    Result,
    Value,
    packed,
)
from vifi_cli.video.workers.part_stream import PartStream

SPAWN = multiprocessing.get_context("spawn")  # a fork would inherit locks of the parent's other threads
STALL_SECONDS = 60.0
START_SECONDS = 60.0
END_SECONDS = 5.0
REPORT_SECONDS = 0.1  # between two reports on the same subject
MOST_TEXT_BYTES = 4 * 2**20  # of a message's JSON
MOST_CALL_BYTES = 2**30
MOST_REPORTS_A_SECOND, REPORTS_AT_ONCE = 10_000, 10_000
SENT_NONSENSE = "decoder damaged its own memory: it sent something that makes no sense"
ONE_START = threading.Lock()
KILLED = -9
"""The exit code of a process that was killed by SIGKILL, which Windows does not have."""

Report = Callable[..., None]


class WorkerLost(ReadingBrokeOff):
    """The process is dead or hangs; the text says which, in words for the user."""


class Reporter:
    """Reports to the parent, on behalf of a function in the worker process.

    Sending waits until the parent takes what was sent, which bounds how far the function runs ahead.
    """

    def __init__(self, stream: PartStream) -> None:
        self._stream = stream
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
            self._stream.send(part)


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

    def call(
        self,
        function: Callable[[Reporter], Result],
        answers: Answers[Result],
        report: Report = lambda *_: None,
    ) -> Result:
        """Calls a picklable function, passes what it reports to `report`, and returns its result.

        Raises:
            WorkerLost: the process crashed, hung, or sent something else than `answers` announce.
            UnreadableVideo, InvalidInput, OSError: the function raises it. Its other exceptions become UnreadableVideo.
            VifiError: the process does not start.
        """
        try:
            process = self._given(function)
            outcome = process.outcome(answers, report)
        except BaseException:  # the process is lost, or still working and nobody waits for it
            self.end()
            raise
        if isinstance(outcome, Exception):
            raise outcome
        result: Result = outcome.result
        return result

    def _given(self, function: Callable[[Reporter], Any]) -> "_Process":
        """The process, which has begun with a call; a new one if the last call left one that does not."""
        process = self.start()
        was_used = process.has_started
        try:
            process.give(function)
        except WorkerLost:
            if not was_used:
                raise
            self.end()
            process = self.start()
            process.give(function)
        return process

    def start(self) -> "_Process":
        """Starts the process, unless it is running; replaces one that speaks before it is asked."""
        if self._process and self._process.speaks_unasked():
            self.end()
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
        ours, theirs = socket.socketpair()
        self._stream = PartStream(ours)
        self._process = SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        with starting_process():
            self._process.start()
        theirs.close()
        self.has_started = False
        self._stall_seconds = stall_seconds

    def give(self, function: Callable[[Reporter], Any]) -> None:
        """Gives it a call and waits until it begins; raises WorkerLost if it does not."""
        with suppress(OSError):  # it has died, or takes nothing; receiving will say how
            self._stream.send(pickle.dumps(function), self._patience_seconds())
        self._receive(Answers(NoneType))
        self.has_started = True

    def outcome(self, answers: Answers[Any], report: Report) -> Done | Exception:
        """The result of the call, or the error that the function raised."""
        started, reports = time.monotonic(), 0
        while True:
            message = self._receive(answers)
            if isinstance(message, Done):
                return message
            if isinstance(message, Failed):
                return self._error_of(message)
            if isinstance(message, Value):
                report(message.value)
                continue
            reports += 1
            if reports > REPORTS_AT_ONCE + MOST_REPORTS_A_SECOND * (time.monotonic() - started):
                raise WorkerLost(SENT_NONSENSE)
            if message.arguments:
                report(*message.arguments)

    def speaks_unasked(self) -> bool:
        """Whether it sent something after its last answer, which it could not mean for the next call."""
        return self.has_started and self._stream.has_something()

    def end(self) -> None:
        """Kills the process, which holds nothing worth keeping."""
        self._process.kill()
        self._process.join(END_SECONDS)  # a process that waits for a dead network disk does not end
        self._stream.close()

    def _receive(self, answers: Answers[Any]) -> Message:
        try:
            text = self._stream.receive(MOST_TEXT_BYTES, self._deadline())
            deadline = self._deadline()
            message = read_message(text, lambda size: self._stream.receive_exactly(size, deadline), answers)
        except TimeoutError as error:
            raise WorkerLost(f"decoding hung: nothing for {self._stall_seconds:g} s") from error
        except (EOFError, OSError) as error:
            raise self._how_it_died() from error
        except ValueError as error:
            raise WorkerLost(SENT_NONSENSE) from error
        return message

    def _deadline(self) -> float:
        return self._stream.clock.now() + self._patience_seconds()

    def _patience_seconds(self) -> float:
        return self._stall_seconds if self.has_started else max(self._stall_seconds, START_SECONDS)

    @staticmethod
    def _error_of(failed: Failed) -> Exception:
        try:
            return failed.error()
        except ValueError as error:
            raise WorkerLost(SENT_NONSENSE) from error

    def _how_it_died(self) -> VifiError:
        self._process.join(END_SECONDS)
        code = self._process.exitcode
        if not self.has_started and code != KILLED:
            return VifiError(f"the decoding process does not start (exit code {code}): try `vifi doctor`")
        if code == KILLED:
            return WorkerLost("decoder was killed (signal 9), perhaps because memory ran out")
        if code is not None and code < 0:
            return WorkerLost(f"decoder crashed (signal {-code})")
        return WorkerLost(f"decoder ended unexpectedly (exit code {code})")


def _serve(end: socket.socket) -> None:
    """Makes the calls that come through the socket, until the process is killed."""
    stop_signals.leave_to_parent()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the parent's output is data
    stream = PartStream(end)
    reporter = Reporter(stream)
    while True:
        try:
            call = stream.receive(MOST_CALL_BYTES)
        except (EOFError, OSError):  # the parent is ending
            return
        function: Callable[[Reporter], Any] = pickle.loads(call)
        reporter.send(Progress(()))  # the call has begun: what happens from now on is its own fault
        try:
            reporter.send(Done(function(reporter)))
        except Exception as error:  # noqa: BLE001  one file must never cost the others, whatever is wrong with it
            if os.environ.get("VIFI_DEBUG") and not isinstance(error, VifiError | OSError):
                traceback.print_exc()
            reporter.send(Failed.by(error))


def _end_with_parent() -> None:
    """Ends this process at once when the parent is gone, even while native code is running."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(0)


@contextmanager
def starting_process() -> Iterator[None]:
    """Keeps a process started here from running the program's own script again, and holds back stop signals in it.

    The process needs only modules, so scripts that use vifi need no `if __name__ == "__main__":`. With the signals held
    back it neither ends nor prints a traceback while it starts.
    """
    if sys.platform != "win32":  # where no process tracks resources
        with stop_signals.held_back_in_children():
            resource_tracker.ensure_running()  # else starting the process would start it, and unblock signals
    # one at a time: another thread would take the empty module for the program's own
    with ONE_START, stop_signals.held_back_in_children():
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
