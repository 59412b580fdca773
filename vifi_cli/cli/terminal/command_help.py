"""What the help of a command says, for the terminal and for `docs/cli.md`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

SHARED_GROUPS = {
    "data": "Data",
    "data-root": "Data",
    "setting": "Data",
    "model": "Model",
    "device": "Model",
    "output": "Output",
    "json": "Output",
}
"""Where shared options stand in a command that groups its options."""
COMMAND_GROUPS = ("Search", "Watch and cut", "Train", "Evaluate and look", "Models and data", "Upkeep")
LONGEST_CHOICE = 16  # characters of `both|image|text`; more choices are listed in the text
_OPTIONAL = re.compile(r"\[(\w+)\](?:\.\.\.)?")
VALUE_NAMES = {"int": "N", "float": "NUMBER", "Path": "PATH", "str": "TEXT"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One argument, option or command.

    Attributes:
        name: such as `-t, --top`.
        value: what an option takes, such as `N`; empty for a flag.
        text: what it does, without a full stop.
        default: in words; empty if there is none to show.
        remarks: choices, environment variable, whether it is required.
    """

    name: str
    value: str
    text: str
    default: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """The help of one command.

    Attributes:
        usage: such as `vifi search [OPTIONS] QUERY`.
        paragraphs: of the description, the summary first; one with line breaks is an example.
        sections: title and entries: arguments, commands, options.
    """

    usage: str
    paragraphs: tuple[str, ...]
    sections: tuple[tuple[str, tuple[Entry, ...]], ...]


def describe(command: Any, context: typer.Context) -> CommandHelp:
    """Collects what the help of a command says."""
    parameters = [each for each in command.get_params(context) if not each.hidden]
    arguments = [each for each in parameters if isinstance(each, TyperArgument)]
    options = [each for each in parameters if isinstance(each, TyperOption)]
    sections: dict[str, list[Entry]] = {}
    for argument in arguments:
        sections.setdefault("Arguments", []).append(_entry(_value(argument), "", argument, context))
    for name, each in commands_of(command, context):
        group = each.rich_help_panel or "Commands"
        sections.setdefault(group, []).append(Entry(name, "", _paragraphs(each.help)[0]))
    for option in options:
        group = _group(option, options)
        sections.setdefault(group, []).append(_entry(_flags(option), _value(option), option, context))
    if len(sections) > 1 + bool(arguments):
        sections["Other options"] = sections.pop("Options", [])
    return CommandHelp(
        _usage(command, arguments, context),
        _paragraphs(command.help),
        tuple((title, tuple(entries)) for title, entries in sections.items()),
    )


def commands_of(command: Any, context: typer.Context) -> Sequence[tuple[str, Any]]:
    """The commands of a group in the order in which help lists them; none of a command."""
    if not isinstance(command, TyperGroup):
        return ()
    commands = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    order = {group: place for place, group in enumerate(COMMAND_GROUPS)}
    return sorted(commands, key=lambda each: order.get(each[1].rich_help_panel, 0))


def _usage(command: Any, arguments: Sequence[TyperArgument], context: typer.Context) -> str:
    names = []
    for argument in arguments:
        name = _value(argument) + ("..." if argument.nargs != 1 else "")
        names.append(name if argument.required else f"[{name}]")
    rest = ["COMMAND [ARGS]..."] if isinstance(command, TyperGroup) else names
    return " ".join((context.command_path, "[OPTIONS]", *rest))


def _paragraphs(text: str | None) -> tuple[str, ...]:
    paragraphs = inspect.cleandoc(text or "").partition("\f")[0].split("\n\n")
    joined = [each if "\n  " in f"\n{each}" else " ".join(each.split()) for each in paragraphs]
    return (_sentence(joined[0]), *joined[1:])


def _sentence(text: str | None) -> str:
    """A line of help; like all of them without a full stop."""
    return " ".join((text or "").split()).removesuffix(".")


def _entry(name: str, value: str, parameter: TyperArgument | TyperOption, context: typer.Context) -> Entry:
    remarks = tuple(_remarks(parameter))
    return Entry(name, value, _sentence(parameter.help), _default(parameter, context), remarks)


def _group(option: TyperOption, options: Sequence[TyperOption]) -> str:
    if option.rich_help_panel:
        return option.rich_help_panel
    is_grouped = any(other.rich_help_panel for other in options)
    return SHARED_GROUPS.get(_long_name(option), "Options") if is_grouped else "Options"


def _long_name(option: TyperOption) -> str:
    return next((name[2:] for name in option.opts if name.startswith("--")), "")


def _flags(option: TyperOption) -> str:
    short = sorted(name for name in option.opts if not name.startswith("--"))
    names = ", ".join((*short, *(name for name in option.opts if name.startswith("--"))))
    return " / ".join((names, *option.secondary_opts))


def _value(parameter: TyperArgument | TyperOption) -> str:
    """The name that stands for a value."""
    if parameter.metavar:
        bare = _OPTIONAL.fullmatch(parameter.metavar)
        return bare[1] if bare else parameter.metavar
    if isinstance(parameter, TyperArgument):
        return parameter.name.upper()
    if parameter.is_flag or parameter.count:
        return ""
    if choices := _choices(parameter):
        return choices if len(choices) <= LONGEST_CHOICE else parameter.name.upper()
    kind = parameter.bare_type().removeprefix("list[").removesuffix("]")
    return VALUE_NAMES.get(kind, parameter.name.upper())


def _choices(parameter: TyperArgument | TyperOption) -> str:
    return "|".join(_shown(choice) for choice in parameter.type_descriptor.choices or ())


def _remarks(parameter: TyperArgument | TyperOption) -> Iterator[str]:
    if parameter.required and isinstance(parameter, TyperOption):
        yield "required"
    choices = _choices(parameter)
    if choices and choices != _value(parameter):
        yield f"choices: {choices.replace('|', ', ')}"
    if parameter.envvar and parameter.show_envvar:
        names = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar
        yield f"env: {', '.join(names)}"


def _default(parameter: TyperArgument | TyperOption, context: typer.Context) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    default = parameter.get_default(context, call=False)
    if not parameter.show_default or default is None or callable(default):
        return ""
    if isinstance(default, bool):
        has_opposite = isinstance(parameter, TyperOption) and parameter.secondary_opts
        return (parameter.opts if default else parameter.secondary_opts)[0] if has_opposite else ""
    if isinstance(default, list | tuple):
        return ", ".join(map(_shown, default))
    return _shown(default)


def _shown(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return f"{value:g}" if isinstance(value, float) else str(value)
