"""How help looks on a terminal: plain columns that fit 80 characters, in the colours of the terminal's theme."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from vifi_cli.cli.terminal.command_help import CommandHelp, Entry, describe

if TYPE_CHECKING:
    F = TypeVar("F", bound=Callable[..., Any])

WIDEST = 100
MOST_FOR_NAMES = 0.4  # of the width; a longer name has a line of its own
UNBROKEN = "\ue000"  # stands for a space at which no line breaks
LONGEST_NOTE = 40  # characters that stay on one line
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
_CODE = re.compile(r"`([^`]+)`|(?<![\w-])--?[a-z][\w-]*")


class HelpCommand(TyperCommand):
    """A command whose help looks like that of all others."""

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Writes the help to stdout."""
        show_help(describe(self, ctx))


class HelpGroup(TyperGroup):
    """A group of commands whose help looks like that of all others."""

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Writes the help to stdout."""
        show_help(describe(self, ctx))


class App(typer.Typer):
    """A Typer application whose commands show their help as `show_help` does, at -h and --help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            cls=HelpGroup,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            context_settings=HELP_OPTIONS,
            **settings,
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Registers a command."""
        return super().command(name, cls=HelpCommand, **settings)


def show_help(shown: CommandHelp) -> None:
    """Writes help to stdout, in lines of 100 characters at most."""
    console = Console(soft_wrap=True, highlight=False)
    width = min(console.width, WIDEST)
    console.print(Text.assemble(("Usage: ", "bold"), shown.usage))
    for paragraph in shown.paragraphs:
        console.print()
        for line in _wrapped(console, _highlighted(paragraph), width):
            console.print(line)
    for title, entries in shown.sections:
        console.print()
        console.print(Text(f"{title}:", "bold"))
        names = [_name(entry) for entry in entries]
        fitting = [name.cell_len for name in names if name.cell_len <= width * MOST_FOR_NAMES]
        column = max(fitting, default=0) + 2
        for name, entry in zip(names, entries, strict=True):
            _print_entry(console, name, _text(entry), column, width)


def _name(entry: Entry) -> Text:
    indent = "      " if entry.name.startswith("--") else "  "
    return Text.assemble(
        indent, (entry.name, "bold cyan"), (f" {entry.value}" if entry.value else "", "cyan")
    )


def _text(entry: Entry) -> Text:
    text = _highlighted(entry.text)
    for note in (*entry.remarks, *([f"default: {entry.default}"] if entry.default else [])):
        text.append(f" [{note.replace(' ', UNBROKEN) if len(note) < LONGEST_NOTE else note}]", "dim")
    return text


def _highlighted(text: str) -> Text:
    shown, end = Text(), 0
    for code in _CODE.finditer(text):
        shown.append(text[end : code.start()])
        shown.append(code[0], "cyan")
        end = code.end()
    return shown.append(text[end:])


def _print_entry(console: Console, name: Text, text: Text, column: int, width: int) -> None:
    lines = _wrapped(console, text, max(width - column, 20))
    if name.cell_len > column - 2:
        console.print(name)
        name = Text()
    for line in lines or [Text()]:
        name.pad_right(column - name.cell_len)
        console.print(name + line)
        name = Text()


def _wrapped(console: Console, text: Text, width: int) -> list[Text]:
    lines = text.wrap(console, width)
    for line in lines:
        line.rstrip()
    return [Text(line.plain.replace(UNBROKEN, " "), spans=line.spans) for line in lines]
