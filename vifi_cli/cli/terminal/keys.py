"""Single keys from the terminal, without Enter where it allows that."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

MOST_BYTES = 32  # of a key, such as an arrow, or of what was pasted
END_OF_INPUT = "\x04"  # Ctrl-D, which a terminal in this mode passes on

ReadKey = Callable[[], str]


@contextmanager
def single_keys() -> Iterator[ReadKey]:
    """Gives a function that waits for a key; it raises EOFError at Ctrl-D. Keys typed before it waits do not count.

    Dumb terminals, which show what is typed themselves, give a line instead, whose first letter counts.
    """
    if sys.platform == "win32":
        yield click.getchar
        return
    import termios
    import tty

    if os.environ.get("TERM") == "dumb":
        yield _first_of_line
        return
    keyboard = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(keyboard)
    except termios.error:
        yield _first_of_line
        return

    def read() -> str:
        tty.setcbreak(keyboard)  # again, in case that a shell has changed it meanwhile; drops what was typed
        typed = os.read(keyboard, MOST_BYTES).decode("utf-8", "replace")
        if typed in ("", END_OF_INPUT):
            raise EOFError
        return typed.strip()

    try:
        tty.setcbreak(keyboard)
        yield read
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _first_of_line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()[:1]
