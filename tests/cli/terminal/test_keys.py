"""Single keys: read without Enter and without echo, and dropped if typed too early."""

import os
import pty
import select
import sys
import termios
import tty
from collections.abc import Iterator

import pytest

from vifi_cli.cli.terminal.keys import single_keys


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of the terminal that is stdin."""
    ours, terminal = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with open(terminal, encoding="utf-8") as stdin:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours
    os.close(ours)


def test_keys_need_no_enter_and_the_terminal_is_as_before(
    keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = termios.tcgetattr(sys.stdin)
    typed = iter([b"", b"y", "é".encode(), b"\x1b[A", b"\x04"])
    setcbreak = tty.setcbreak

    def type_when_it_waits(descriptor: int) -> None:
        setcbreak(descriptor)
        os.write(keyboard, next(typed))

    monkeypatch.setattr(tty, "setcbreak", type_when_it_waits)
    with single_keys() as read_key:
        assert not termios.tcgetattr(sys.stdin)[3] & (termios.ECHO | termios.ICANON)
        assert termios.tcgetattr(sys.stdin)[3] & termios.ISIG, "Ctrl-C and Ctrl-Z reach vifi as ever"
        os.write(keyboard, b"n")  # before anything is asked
        assert select.select([sys.stdin], [], [], 5)[0]
        assert [read_key(), read_key(), read_key()] == ["y", "é", "\x1b[A"]
        with pytest.raises(EOFError):
            read_key()
    assert termios.tcgetattr(sys.stdin) == before


def test_a_dumb_terminal_gives_lines(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with single_keys() as read_key:
        os.write(keyboard, b"yes\n\n")
        assert (read_key(), read_key()) == ("y", "")
        os.write(keyboard, b"\x04")
        with pytest.raises(EOFError):
            read_key()
