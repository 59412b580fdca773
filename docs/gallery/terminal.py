"""Commands on a terminal: what they leave on it, how long they take, and a picture of that."""

import os
import pty
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from playwright.sync_api import Page
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: {background}; color: {foreground}; }}
pre {{ display: inline-block; margin: 0; padding: 18px 22px 0; font: 15px/1.35 "DejaVu Sans Mono", monospace; }}
a {{ color: inherit; text-decoration: none; }}
</style><pre>{code}</pre>"""
_LINK = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\")
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_MOVE = re.compile(r"(\r?\n|\r|\x1b\[\d*[AKJ]|\x1b\[\?25[hl])")


@dataclass(frozen=True, slots=True)
class Typed:
    """A command that was typed, and what came of it."""

    command: str
    written: str  # what it leaves on the terminal, with its colors
    wall_seconds: float
    processor_seconds: float  # with all processes that it waited for
    exit_code: int

    @property
    def plain(self) -> str:
        """What it leaves on the terminal, without colors and links."""
        lines = _STYLE.sub("", _LINK.sub("", self.written)).splitlines()
        return "\n".join(line.rstrip() for line in lines)


def type_command(command: str, folder: Path, environment: Mapping[str, str], columns: int) -> Typed:
    """Types a command into a shell on a terminal, and waits for its end."""
    size = {"COLUMNS": str(columns), "LINES": "40", "TERM": "xterm-256color"}
    started = time.monotonic()
    child, terminal = pty.fork()
    if not child:
        os.chdir(folder)
        os.execve("/bin/bash", ["bash", "-c", f"stty cols {columns}; {command}"], {**environment, **size})
    written = b""
    try:
        while piece := os.read(terminal, 65536):
            written += piece
    except OSError:  # how Linux tells that the other end is closed
        pass
    os.close(terminal)
    _, status, used = os.wait4(child, 0)
    return Typed(
        command,
        left_on_screen(written.decode(errors="replace")),
        time.monotonic() - started,
        used.ru_utime + used.ru_stime,
        os.waitstatus_to_exitcode(status),
    )


def left_on_screen(written: str) -> str:
    """What is left of what programs wrote: bars and spinners go where they are written over."""
    lines, row, is_over = [""], 0, False
    for part in _MOVE.split(written):
        if part.endswith("\n"):
            row, is_over = row + 1, False
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r":
            is_over = True
        elif part.startswith("\x1b[") and part.endswith("A"):
            row, is_over = max(0, row - int(part[2:-1] or 1)), True
        elif part.startswith("\x1b[") and part.endswith("K"):
            lines[row] = ""
        elif part.startswith("\x1b[") and part.endswith("J"):
            lines[row:] = [""]
        elif part and not part.startswith("\x1b[?25"):
            lines[row] = part if is_over else lines[row] + part
            is_over = False
    return "\n".join(lines).rstrip()


def draw_terminal(page: Page, typed: Sequence[Typed], columns: int, target: Path) -> None:
    """Draws commands and what they left, as on a dark terminal."""
    console = Console(
        file=StringIO(), record=True, width=columns, color_system="truecolor", force_terminal=True
    )
    for each in typed:
        console.print(Text.from_ansi(f"\x1b[1;32m$\x1b[0m {each.command}\n{each.written}"), end="\n\n")
    page.set_content(console.export_html(theme=MONOKAI, code_format=PAGE, inline_styles=True))
    page.locator("pre").screenshot(path=target)
