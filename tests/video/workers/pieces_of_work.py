"""Things to do in another process, in a module of their own so that it has little to import."""

import os
import signal
from collections.abc import Callable

Report = Callable[..., None]


def whoami(report: Report) -> int:
    report("begun", 1)
    return os.getpid()


def crash(report: Report) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(report: Report) -> None:
    signal.pause()


def fail(report: Report, error: Exception) -> None:
    raise error
