"""The help of a command: what it says, also in `docs/cli.md`, and how it looks on a terminal."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.theme import Theme
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from vifi_cli import stop_signals
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options.settings import followed_variable, shown_setting
from vifi_cli.settings.settings import load_settings

if TYPE_CHECKING:
    F = TypeVar("F", bound=Callable[..., Any])

COMMAND_GROUPS = ("Search", "Watch and cut", "Train", "Evaluate and look", "Models and data", "Upkeep")
# where shared options stand in a command that groups its options
SHARED_GROUPS = {
    "Data": {"--data", "--data-root", "--classes", "--setting"},
    "Model": {"--model", "--device"},
    "Output": {"--output", "--json"},
}
WITHOUT_SETTINGS = {"config", "doctor"}  # commands that work although the settings cannot be read
VALUE_NAMES = {"int": "N", "float": "NUMBER", "Path": "PATH", "str": "TEXT"}
LONGEST_CHOICE = 16  # characters of `both|image|text`; more choices are listed in the text
WIDEST = 100
MOST_FOR_NAMES = 0.4  # of the width; a longer name has a line of its own
LONGEST_NOTE = 40  # characters that stay on one line
UNBROKEN_SPACE = "\xa0"


@dataclass(frozen=True, slots=True)
class Entry:
    """One argument, option or command."""

    name: str  # such as `-t, --top N`
    text: str
    default: str = ""  # in words; empty if there is none to show
    remarks: tuple[str, ...] = ()  # choices, environment variable, whether it is required


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """The help of one command."""

    usage: str  # such as `vifi search [OPTIONS] QUERY`
    paragraphs: tuple[str, ...]  # the summary first; one with line breaks is an example
    sections: dict[str, list[Entry]]  # arguments, commands and options by title


def describe(command: Any, context: typer.Context) -> CommandHelp:
    """Collects what the help of a command says."""
    parameters = [each for each in command.get_params(context) if not each.hidden]
    arguments = [each for each in parameters if isinstance(each, TyperArgument)]
    options = [each for each in parameters if isinstance(each, TyperOption)]
    sections: dict[str, list[Entry]] = {}
    for argument in arguments:
        sections.setdefault("Arguments", []).append(_entry(_value(argument), argument))
    for name, each in commands_of(command, context):
        title = each.rich_help_panel or "Commands"
        sections.setdefault(title, []).append(Entry(name, _paragraphs(each.help)[0]))
    are_grouped = any(option.rich_help_panel for option in options)
    for option in options:
        flags = " / ".join((", ".join(sorted(option.opts, key=len)), *option.secondary_opts))
        title = option.rich_help_panel or (_shared_group(option) if are_grouped else "Options")
        sections.setdefault(title, []).append(_entry(f"{flags} {_value(option)}".rstrip(), option))
    if len(sections) > 1 + bool(arguments):
        sections["Other options"] = sections.pop("Options", [])
    return CommandHelp(_usage(command, arguments, context), _paragraphs(command.help), sections)


def commands_of(command: Any, context: typer.Context) -> Sequence[tuple[str, Any]]:
    """The commands of a group in the order in which help lists them; empty for a command."""
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
    summary, *rest = (each if "\n  " in f"\n{each}" else " ".join(each.split()) for each in paragraphs)
    return (summary.removesuffix("."), *rest)


def _entry(name: str, parameter: TyperArgument | TyperOption) -> Entry:
    text = (parameter.help or "").removesuffix(".")  # Typer's own texts end in a full stop
    return Entry(name, text, _default(parameter), tuple(_remarks(parameter)))


def _shared_group(option: TyperOption) -> str:
    return next((title for title, names in SHARED_GROUPS.items() if names & {*option.opts}), "Options")


def _value(parameter: TyperArgument | TyperOption) -> str:
    """The name that stands for a value."""
    if parameter.metavar:
        return parameter.metavar
    if isinstance(parameter, TyperArgument):
        return parameter.name.upper()
    if parameter.is_flag:
        return ""
    if choices := "|".join(_choices(parameter)):
        return choices if len(choices) <= LONGEST_CHOICE else parameter.name.upper()
    kind = parameter.bare_type().removeprefix("list[").removesuffix("]")
    return VALUE_NAMES.get(kind, parameter.name.upper())


def _choices(parameter: TyperArgument | TyperOption) -> list[str]:
    return [_shown(choice) for choice in parameter.type_descriptor.choices or ()]


def _remarks(parameter: TyperArgument | TyperOption) -> Iterator[str]:
    if parameter.required and isinstance(parameter, TyperOption):
        yield "required"
    choices = _choices(parameter)
    if choices and "|".join(choices) != _value(parameter):
        yield f"choices: {', '.join(choices)}"
    if variable := followed_variable(parameter) or parameter.envvar:
        yield f"env: {variable}"


def _default(parameter: TyperArgument | TyperOption) -> str:
    setting = shown_setting(parameter)
    if setting and setting.source != "default" and isinstance(setting.value, str | int | Path):
        return str(setting.value)
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    default = parameter.default
    if not parameter.show_default or default is None:
        return ""
    if isinstance(default, bool):
        flags = parameter.opts if default else parameter.secondary_opts
        return flags[0] if parameter.secondary_opts else ""
    return _shown(default)


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


class App(typer.Typer):
    """A Typer application whose commands show their help as `show_help` does, at -h and --help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            cls=_Group,
            no_args_is_help=not settings.get("invoke_without_command"),
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help"]},
            **settings,
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Registers a command."""
        return super().command(name, cls=_Command, **settings)


class _Command(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads arguments; an option shown as `--play [N]` may stand alone, and then means 1."""
        alone = {
            name
            for each in self.params
            if isinstance(each, TyperOption) and (each.metavar or "").startswith("[")
            for name in each.opts
        }
        return super().parse_args(ctx, with_usual_numbers(args, alone) if alone else args)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command, unless the settings are wrong: none works differently from what the user has written."""
        if not WITHOUT_SETTINGS.intersection(ctx.command_path.split()):
            load_settings()
        return super().invoke(ctx)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        show_help(describe(self, ctx))


class _Group(TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads arguments; `help search` means `search --help`, as people know it from other tools."""
        return super().parse_args(ctx, [*args[1:], "--help"] if args[:1] == ["help"] else args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Finds the command of the first word, or of two: `eval compare` is beside `eval`, which takes words too."""
        name = " ".join(args[:2])
        if " " in name and name in self.commands:
            return name, self.commands[name], args[2:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Ends a command that is stopped and has not said so itself; Typer would call every signal Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            output.stopped(stop)
            raise typer.Exit(stop_signals.heed(stop)) from stop

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        show_help(describe(self, ctx))


def with_usual_numbers(arguments: Sequence[str], may_stand_alone: Collection[str]) -> list[str]:
    """Gives options that no number follows the number 1; what comes after `--` is no option."""
    given = list(arguments)
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument in may_stand_alone:
            following = arguments[position + 1 : position + 2]
            if not (following and following[0].isdecimal()):
                given[position] = f"{argument}=1"
    return given


class HelpHighlighter(RegexHighlighter):
    """Finds headings, names and notes in the text of help."""

    base_style = "help."
    highlights = (
        r"(?m)^(?P<heading>Usage:|[A-Z][\w ]+:$)",
        r"(?m)^  (?P<name>[a-z][\w-]*|[A-Z]+)(?=  |$)",
        r"(?P<name>(?<![\w-])--?[a-z0-9][\w-]*)(?P<value> [A-Z]\S*| [a-z]+(\|[a-z]+)+)?",
        r"(?P<code>`[^`]+`)",
        r"(?P<note>\[(?:choices|default|env|required)\b[^]]*\])",
    )


COLORS = Theme(
    {
        "help.heading": "bold green",
        "help.name": "bold cyan",
        "help.value": "cyan",
        "help.code": "cyan",
        "help.note": "dim",
    }
)


def show_help(shown: CommandHelp) -> None:
    """Writes help to stdout, in lines of 100 characters at most, and in color on a terminal."""
    console = Console(soft_wrap=True, theme=COLORS, highlighter=HelpHighlighter(), markup=False, emoji=False)
    lines = _lines(shown, min(console.width, WIDEST))
    console.print("\n".join(lines).replace(UNBROKEN_SPACE, " "))


def _lines(shown: CommandHelp, width: int) -> Iterator[str]:
    yield f"Usage: {shown.usage}"
    for paragraph in shown.paragraphs:
        yield ""
        yield paragraph if "\n" in paragraph else textwrap.fill(paragraph, width, break_on_hyphens=False)
    for title, entries in shown.sections.items():
        yield ""
        yield f"{title}:"
        names = [("      " if entry.name.startswith("--") else "  ") + entry.name for entry in entries]
        column = 2 + max((len(name) for name in names if len(name) <= width * MOST_FOR_NAMES), default=0)
        wrapper = textwrap.TextWrapper(max(width, column + 20), subsequent_indent=" " * column)
        wrapper.break_on_hyphens = wrapper.break_long_words = False
        for name, entry in zip(names, entries, strict=True):
            if len(name) > column - 2:
                yield name
                name = ""
            wrapper.initial_indent = name.ljust(column)
            yield wrapper.fill(_text(entry))


def _text(entry: Entry) -> str:
    notes = [*entry.remarks, f"default: {entry.default}"] if entry.default else entry.remarks
    shown = (note.replace(" ", UNBROKEN_SPACE) if len(note) < LONGEST_NOTE else note for note in notes)
    return " ".join((entry.text, *(f"[{note}]" for note in shown)))
