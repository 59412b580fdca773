"""`vifi shell`: a prompt for searching again and again, with the model and the index kept ready."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer

from vifi_cli import stop_signals
from vifi_cli.cli.search.search import open_session
from vifi_cli.cli.shell.editing import line_editing
from vifi_cli.cli.shell.lines import LEAVE, ShellLines
from vifi_cli.cli.terminal import output
from vifi_cli.stop_signals import Stopped

OPTIONS_OF_SEARCH = {"allow_extra_args": True, "ignore_unknown_options": True}
PROMPT = "vifi> "
WRONG = 2


def shell(context: typer.Context) -> None:
    """Search repeatedly with model and index in memory.

    Each line is what follows `vifi search`, or a command: open, similar, cut, help. Options of `vifi search` that you
    give here apply to every search.

    From a pipe it reads one query per line. An empty line ends each answer; with --json, each answer is a line.

    Exit code 0, or 2 if something is wrong, even with one line of a pipe.
    """
    with open_session() as session:
        lines = ShellLines(session, context.args)
        if sys.stdin.isatty():
            _talk(lines)
        elif not _answer_pipe(lines):
            raise typer.Exit(WRONG)


def _answer_pipe(lines: ShellLines) -> bool:
    all_answered = True
    for number, line in enumerate(sys.stdin, 1):
        query = line.removeprefix("\ufeff").strip()  # some shells begin a pipe with a byte order mark
        if query:
            all_answered &= lines.answer(query, number)
    return all_answered


def _talk(lines: ShellLines) -> None:
    output.note(f"{lines.get_ready()}; `help` lists what you can type, `exit` leaves")
    with line_editing(lines.commands):
        for line in _typed_lines():
            try:
                lines.answer(line)
            except Stopped:
                raise
            except KeyboardInterrupt as stop:
                stop_signals.heed(stop)
                output.note("stopped")


def _typed_lines() -> Iterator[str]:
    """The lines typed until Ctrl-D or a word to leave; Ctrl-C drops a line."""
    while True:
        try:
            line = _ask().strip()
        except Stopped:
            raise
        except KeyboardInterrupt as stop:
            stop_signals.heed(stop)
            output.prompt("\n")
            continue
        except EOFError:
            output.prompt("\n")
            return
        if line in LEAVE:
            return
        if line:
            yield line


def _ask() -> str:
    if output.stdout_is_terminal():
        return input(PROMPT)
    output.prompt(PROMPT)  # stdout is for data
    return input()
