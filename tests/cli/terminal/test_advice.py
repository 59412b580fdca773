"""Advice in messages: every command and flag that the program names exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.advised_commands import PROGRAM, command_and_words, commands_in

ROOT = Path(__file__).parents[3] / "vifi_cli"
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# `vifi shell` takes the options of `vifi search`
LOAD_A_MODEL = (
    "attention", "bridge", "classify", "embed-map", "eval", "finetune", "index", "mcp", "model merge", "model show",
    "prompt-tune", "search", "serve", "similar",
)  # fmt: skip
OF_OTHER_PROGRAMS = {
    "--nproc-per-node",
    "--max-restarts",
    "--project",
    "--master-port",
    "--force-reinstall",
    "--no-deps",
    "--fs",
}


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """The texts of the program, each with its place; what is filled in later is `x`."""
    return tuple(text for path in sorted(ROOT.rglob("*.py")) for text in texts_of(path))


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    source = path.read_text(encoding="utf-8")
    if "`vifi" in source or "--" in source:
        tree = ast.parse(source)
        inside = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
        }
        for node in ast.walk(tree):
            place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.JoinedStr):
                yield (
                    place,
                    "".join(str(p.value) if isinstance(p, ast.Constant) else "x" for p in node.values),
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                yield place, node.value


def every_command(group: object = None, name: str = "") -> Iterator[tuple[str, object]]:
    group = group or PROGRAM
    for child, command in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from every_command(command, f"{name}{child} ")
        else:
            yield f"{name}{child}", command


def flags_of(command: object) -> set[str]:
    parameters = command.params  # type: ignore[attr-defined]
    return {name for each in parameters for name in (*each.opts, *each.secondary_opts)} | {"--help"}


def test_commands_in_messages_exist_with_their_flags() -> None:
    checked = 0
    for place, text in texts():
        for advised in commands_in(text):
            if any(mark in advised for mark in ("COMMAND", "...", "…")) or advised.split()[1] == "x":
                continue
            command, words = command_and_words(advised)
            unknown = {word for word in words if FLAG.fullmatch(word)} - flags_of(command)
            assert not unknown, f"{place}: {advised}"
            checked += 1
    assert checked > 60


def test_flags_in_messages_exist_in_some_command() -> None:
    known = set().union(*(flags_of(command) for _, command in every_command()), flags_of(PROGRAM))
    named = {flag: place for place, text in texts() for flag in FLAG.findall(text) if " " in text}
    strange = {flag: place for flag, place in named.items() if flag not in known | OF_OTHER_PROGRAMS}
    assert not strange


@pytest.mark.parametrize("name", LOAD_A_MODEL)
def test_a_command_that_loads_a_model_takes_the_device_that_errors_advise(name: str) -> None:
    assert "--device" in flags_of(dict(every_command())[name])
