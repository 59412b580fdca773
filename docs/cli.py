"""Writes `docs/cli.md`, the reference of all commands, from their help: `python -m docs.cli`."""

import os
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from vifi_cli.cli.app import app
from vifi_cli.cli.terminal.help import CommandHelp, Entry, commands_of, describe

PAGE = Path(__file__).with_name("cli.md")
TOP = """\
# Commands

<!-- `python -m docs.cli` writes this page from the help texts in vifi_cli/cli. -->

Add `-h` or `--help` to any command to see this in your terminal. `vifi --version` prints the version, and
`vifi --install-completion` lets your shell complete commands and options.
"""


def reference() -> str:
    """The text of the page."""
    command = get_command(app)
    context = typer.Context(command, info_name="vifi")
    commands = commands_of(command, context)
    lines = [TOP]
    for group, members in groupby(commands, key=lambda each: each[1].rich_help_panel):
        links = ", ".join(f"[`{name}`](#vifi-{name.replace(' ', '-')})" for name, _ in members)
        lines.append(f"- {group}: {links}")
    for name, each in commands:
        lines += _section(each, typer.Context(each, parent=context, info_name=name), level=2)
    return "\n".join(lines) + "\n"


def _section(command: Any, context: typer.Context, *, level: int) -> Iterator[str]:
    shown = describe(command, context)
    yield f"\n{'#' * level} `{context.command_path}`\n"
    yield f"{_plain(shown.paragraphs[0])}.\n"
    yield f"```console\n$ {shown.usage}\n```"
    for paragraph in shown.paragraphs[1:]:
        yield f"\n{_plain(paragraph)}"
    yield from _tables(shown)
    for name, each in commands_of(command, context):
        yield from _section(each, typer.Context(each, parent=context, info_name=name), level=level + 1)


def _tables(shown: CommandHelp) -> Iterator[str]:
    for title, entries in shown.sections.items():
        entries = tuple(entry for entry in entries if "--help" not in entry.name)
        if not entries or title == "Commands":
            continue
        has_defaults = any(entry.default for entry in entries)
        yield f"\n| {title} | |" + (" Default |" if has_defaults else "")
        yield "| --- | --- |" + (" --- |" if has_defaults else "")
        for entry in entries:
            name = entry.name.replace("|", "\\|")
            default = f" {_plain(entry.default)} |" if has_defaults else ""
            yield f"| `{name}` | {_effect(entry)} |{default}"


def _effect(entry: Entry) -> str:
    remarks = [
        f"{kind}: {', '.join(f'`{name}`' for name in names.split(', '))}" if names else kind
        for kind, _, names in (remark.partition(": ") for remark in entry.remarks)
    ]
    return _plain("; ".join((entry.text, *remarks)))


def _plain(text: str) -> str:
    """Text of help as Markdown; characters outside code must not become markup."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([<>*|\[\]])", r"\\\1", part) for part in parts)


if __name__ == "__main__":
    os.environ["VIFI_HOME"] = os.devnull  # without your settings, which help shows as defaults
    PAGE.write_text(reference(), encoding="utf-8")
