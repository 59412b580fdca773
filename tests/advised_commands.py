"""Commands that messages advise, read as the shell and vifi read them."""

import re
import shlex
from typing import Any

from typer.main import get_command

from vifi_cli.cli.app import app

PROGRAM: Any = get_command(app)
ADVISED = re.compile(r"`(vifi [^`]+)`")


def commands_in(text: str) -> list[str]:
    """The commands in backticks."""
    return ADVISED.findall(text)


def command_and_words(command: str) -> tuple[Any, list[str]]:
    """The command of the program that a line runs, and the words after its name."""
    _, *words = shlex.split(command)
    found = PROGRAM
    while words and words[0] in getattr(found, "commands", {}):
        found = found.commands[words.pop(0)]
    is_group = hasattr(found, "commands") and words != ["--help"]
    assert not (is_group and words), f"{command}: there is no such command"
    return found, words


def parsed(command: str) -> dict[str, Any]:
    """The arguments of a `vifi` command as vifi takes them, by parameter; any wrong one is an error."""
    found, words = command_and_words(command)
    arguments: dict[str, Any] = found.make_context("vifi", words).params
    return arguments
