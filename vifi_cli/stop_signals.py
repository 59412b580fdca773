"""The signals that ask vifi to stop: Ctrl-C, `kill`, `docker stop`, a closed terminal, a warning of a batch system.

Each ends a command in the same way: by a KeyboardInterrupt in the main thread, so that everything is closed, saved and
removed on the way out. A signal that vifi finds ignored stays ignored, as `nohup` and background jobs want it.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

STOP_SIGNALS = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGBREAK")
    if name in signal.Signals.__members__
)
REPEAT_SECONDS = 1.0
"""A closed terminal and `timeout` send a signal twice at once, which counts as one; a later one ends the cleanup."""
RETRY_SECONDS = 0.2


class Stopped(KeyboardInterrupt):
    """A signal other than Ctrl-C asks this process to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


def interruption(number: int) -> KeyboardInterrupt:
    """The exception that a signal raises: a plain KeyboardInterrupt for Ctrl-C."""
    return KeyboardInterrupt() if number == signal.SIGINT else Stopped(number)


def number_of(stop: KeyboardInterrupt) -> int:
    """The number of the signal behind an exception."""
    return int(getattr(stop, "number", signal.SIGINT))


def heed(stop: KeyboardInterrupt) -> int:
    """Ends the raising of a stop; returns the exit code of the command: 130 after Ctrl-C, 143 after SIGTERM."""
    _RAISING.end()
    return 128 + number_of(stop)


def unheeded() -> KeyboardInterrupt | None:
    """A stop that was raised and that nobody has heeded yet: native code may lose it, or make another error of it."""
    return _RAISING.stop


def in_words(stop: KeyboardInterrupt) -> str:
    """The beginning of a message."""
    number = number_of(stop)
    return "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"


def stop_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """The stop that an error comes from: native code may turn one exception into another."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def raise_on_stop() -> None:
    """Lets each stop signal raise an exception in the main thread from now on, as Ctrl-C does in Python."""
    for number in _ending_signals():
        signal.signal(number, _RAISING)
    sys.unraisablehook = _show_unless_stop
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, _RAISING.raise_again)


class _Raising:
    """Handles stop signals by exceptions, raised again until one is heeded."""

    def __init__(self) -> None:
        self.stop: KeyboardInterrupt | None = None
        self.deferred = 0  # how many blocks of the main thread are to be completed first
        self._number = 0  # of the latest signal that raised an exception
        self._raised_at = float("-inf")

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        is_repeated = now - self._raised_at < REPEAT_SECONDS
        if not is_repeated or (self._number == signal.SIGINT != number):  # `vifi shell` goes on after Ctrl-C
            self._number, self._raised_at = number, now
            self.stop = interruption(number)
            self._set_alarm(RETRY_SECONDS)
            raise self.stop

    def raise_again(self, _number: int, _frame: FrameType | None) -> None:
        """Raises a stop again that was lost, as in the destructor of an object or while a library is loaded."""
        if self.deferred or self.stop is None:
            return
        if stop_behind(sys.exc_info()[1]) is None:  # else it is on its way
            raise interruption(self._number)

    def end(self) -> None:
        """Raises nothing again."""
        self.stop = None
        self._set_alarm(0.0)

    @staticmethod
    def _set_alarm(seconds: float) -> None:
        if sys.platform != "win32" and signal.getsignal(signal.SIGALRM) == _RAISING.raise_again:
            signal.setitimer(signal.ITIMER_REAL, seconds, seconds)


_RAISING = _Raising()


def _show_unless_stop(lost: "sys.UnraisableHookArgs") -> None:
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)


def _ending_signals() -> list[signal.Signals]:
    """The stop signals that end this process now, by an exception or without one."""
    usual = (signal.SIG_DFL, signal.default_int_handler)
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    return [
        number for number, now in handlers.items() if now in usual or isinstance(now, _Raising | _Calling)
    ]


@dataclass(frozen=True, slots=True)
class _Calling:
    """Handles stop signals by a function."""

    handler: Callable[[int], object]

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.handler(number)


def leave(code: int) -> NoReturn:
    """Ends this process at once, with everything that `atexit` knows.

    Python would also wait for threads, one of which may be loading a model, and take seconds to destroy all objects
    once torch is loaded.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


@contextmanager
def handled_by(handler: Callable[[int], object]) -> Iterator[None]:
    """Calls a handler with the number of each stop signal, except those that are ignored or handled by somebody else.

    Threads other than the main thread cannot handle signals: there it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _Calling(handler)) for number in _ending_signals()}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)


@contextmanager
def deferred() -> Iterator[None]:
    """Lets something be completed: a stop signal that comes meanwhile takes effect afterwards."""
    heard: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    _RAISING.deferred += is_main
    try:
        with handled_by(heard.append):
            yield
    finally:
        _RAISING.deferred -= is_main
        if heard:
            signal.raise_signal(heard[0])


@contextmanager
def held_back_in_children() -> Iterator[None]:
    """Lets processes that this thread starts hold back stop signals, from their first moment on."""
    with deferred():
        if sys.platform == "win32":
            yield
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_parent(*_: Any) -> None:
    """Lets this process ignore stop signals, which reach complete process groups: its parent decides when it ends.

    Only SIGTERM from the parent itself ends it, since multiprocessing sends that to processes that are left at the end.
    Call it in a process that was started with the signals held back.
    """
    by_parent = {signal.SIGTERM} if sys.platform == "linux" else set()
    for number in set(STOP_SIGNALS) - by_parent:
        if number != signal.SIGTERM:  # where its sender is unknown, it must be able to end this process
            signal.signal(number, signal.SIG_IGN)
    if by_parent:
        threading.Thread(target=_end_by_parent, daemon=True).start()
    elif sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _end_by_parent() -> None:
    if sys.platform != "linux":  # where nobody can wait for the sender of a signal
        return
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
