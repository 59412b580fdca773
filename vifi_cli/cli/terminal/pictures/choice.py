"""Which pictures a terminal shows: by its name where that says so, else by asking it."""

import os
import select
import sys
from collections.abc import Mapping
from typing import Literal

from vifi_cli.cli.terminal.pictures.protocols import Protocol

USUAL_CELL = 10, 20
"""The width and height of a character in pixels, where the terminal does not say; sixel terminals without say so."""

ANSWER_SECONDS = 1.0  # also over a slow connection, since an answer that comes late looks like typed keys
ASK_FOR_ATTRIBUTES = "\x1b[c"  # DA1, answered by every terminal since the VT100: ESC [ ? 62 ; 4 c
SIXELS = "4"
LONGEST_ANSWER = 100

Kind = Protocol | Literal["blocks", "none"]


def pictures_of_terminal() -> Kind:
    """What the terminal of stdout shows."""
    known = kind_by_name(os.environ)
    if known is not None:
        return known
    return "sixel" if SIXELS in _attributes() else "blocks"


def kind_by_name(environment: Mapping[str, str]) -> Kind | None:
    """What a terminal shows by the variables that it sets; None if it has to be asked.

    Inside tmux and screen, the variables are those of the terminal outside, which does not get the pictures.
    """
    name, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if name == "dumb":
        return "none"
    if "TMUX" in environment or name.startswith(("tmux", "screen")):
        return None
    if "KITTY_WINDOW_ID" in environment or program == "ghostty" or name in ("xterm-kitty", "xterm-ghostty"):
        return "kitty"
    if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":  # also over SSH
        return "iterm2"
    return None


def cell_pixels() -> tuple[int, int]:
    """The width and height of a character in pixels."""
    if sys.platform == "win32":
        return USUAL_CELL
    import fcntl
    import struct
    import termios

    try:
        size = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return USUAL_CELL
    rows, columns, width, height = struct.unpack("HHHH", size)
    if not (rows and columns and width >= columns and height >= rows):
        return USUAL_CELL
    return width // columns, height // rows


def _attributes() -> list[str]:
    """What the terminal answers about itself; nothing if it does not answer, or if keys wait to be read."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        return []
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(keyboard)
        tty.setcbreak(keyboard, termios.TCSANOW)
    except termios.error:
        return []
    try:
        if _is_ready(keyboard, 0.0):  # they are the user's
            return []
        os.write(sys.stdout.fileno(), ASK_FOR_ATTRIBUTES.encode())
        answer = ""
        while (
            not answer.endswith("c") and len(answer) < LONGEST_ANSWER and _is_ready(keyboard, ANSWER_SECONDS)
        ):
            answer += os.read(keyboard, 1).decode("latin-1")
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, before)
    return answer.removesuffix("c").rpartition("?")[2].split(";")


def _is_ready(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])
