"""How lines of `vifi shell` are edited: arrow keys recall earlier ones, and Tab completes commands, options, files."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vifi_cli import paths
from vifi_cli.cli.shell.lines import HELP, LEAVE, SEARCH
from vifi_cli.cli.terminal.options.completion import concepts

HISTORY_FILE = "shell-history"
HISTORY_LINES = 1000
DELIMITERS = " \t"
AT = "@"
_LAST_WORD = re.compile(r"""(?:^|(?<=\s))(?P<bare>(?:\\.|[^\s\\"])*)$|"(?P<quoted>[^"]*)$""")
_TO_ESCAPE = re.compile(r"""([\s\\"])""")


@contextmanager
def line_editing(commands: Mapping[str, Any]) -> Iterator[None]:
    """Lines can be edited, recalled and completed where Python has readline; they are kept for the next time."""
    if sys.platform == "win32":  # where the terminal itself edits lines and recalls them
        yield
        return
    try:
        import readline
    except ImportError:
        yield
        return
    file = paths.data_folder() / HISTORY_FILE
    with suppress(OSError):
        readline.read_history_file(file)
    readline.set_history_length(HISTORY_LINES)
    readline.set_completer_delims(DELIMITERS)
    found = list[str]()

    def complete(text: str, state: int) -> str | None:
        if state == 0:
            found[:] = completions(readline.get_line_buffer()[: readline.get_endidx()], text, commands)
        return found[state] if state < len(found) else None

    readline.set_completer(complete)
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
    try:
        yield
    finally:
        readline.set_completer(None)
        with suppress(OSError):
            readline.write_history_file(file)
            file.chmod(0o600)  # what somebody looked for is theirs, also in a shared data folder


def completions(line: str, text: str, commands: Mapping[str, Any]) -> list[str]:
    """What may stand in place of `text`, the end of a line behind its last space, even one inside a name."""
    words = line.split()
    is_first = not line[: len(line) - len(text)].strip()
    found = [f"{name} " for name in (*commands, HELP, *LEAVE) if is_first and name.startswith(text)]
    if words and words[0] == HELP and not is_first:
        return [name for name in commands if name.startswith(text)]
    if text.startswith("-"):
        command = commands.get(words[0], commands[SEARCH])
        return sorted(f"{flag} " for each in command.params for flag in each.opts if flag.startswith(text))
    return found + _concepts(text) + _files(line, text)


def _concepts(text: str) -> list[str]:
    """Names of concepts that begin as a word with an @, perhaps after a weight, does."""
    weight, at, begun = text.rpartition(AT)
    if not at or (weight and not weight.endswith(":")):
        return []
    return [
        f"{weight}{name} "
        for name, _ in concepts(at)
        if name.casefold().startswith(f"{at}{begun}".casefold())
    ]


def _files(line: str, text: str) -> list[str]:
    """Names of files that begin as the last word of a line does; only the part that replaces `text`."""
    word = _LAST_WORD.search(line)
    if not word:
        return []
    quoted = word["quoted"]
    begun = re.sub(r"\\(.)", r"\1", word["bare"]) if quoted is None else quoted
    folder, name = os.path.split(begun)
    kept = line[word.start() :]
    behind = len(kept) - len(text)
    return [
        f"{kept}{_rest(entry, len(name), is_quoted=quoted is not None)}"[behind:]
        for entry in _entries(folder)
        if entry.name.startswith(name) and (name or not entry.name.startswith("."))
    ]


def _entries(folder: str) -> Sequence[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(Path(folder).expanduser() if folder else ".") as entries:
        return sorted(entries, key=lambda entry: entry.name)
    return []


def _rest(entry: os.DirEntry[str], known: int, *, is_quoted: bool) -> str:
    """The rest of a name, as it is typed; a file's name ends its word, while a folder's goes on."""
    rest = entry.name[known:] if is_quoted else _TO_ESCAPE.sub(r"\\\1", entry.name[known:])
    if entry.is_dir():
        return f"{rest}/"
    return f'{rest}" ' if is_quoted else f"{rest} "
