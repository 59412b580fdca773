"""`vifi config`: the settings that apply without options, and where each comes from."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.help import App
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import JsonOption
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import config_file, index_folder
from vifi_cli.settings.settings import Setting, every_setting, setting_of
from vifi_cli.settings.values import KEYS

NOT_SET = 1
SHOWN_IF_UNSET = {
    "model": "the index's own",
    "exclude": "nothing",
    "views": "1x1",
    "data_root": "none",
    "player": "the first one found",
    "frame_rate": "25",
}

config_app = App(help="Show and change settings")
KeyArgument = Annotated[
    str,
    typer.Argument(metavar="KEY", autocompletion=completion.setting_keys, help=f"One of {', '.join(KEYS)}"),
]


@config_app.command("list")
def list_settings(as_json: JsonOption = False) -> None:
    """List all settings, and where each comes from.

    Options of a command win over environment variables, and these over the file.
    """
    found = every_setting()
    if as_json:
        output.document([_as_document(setting) for setting in found])
        return
    rows = [(setting.key, _in_words(setting), _place(setting), setting.variable) for setting in found]
    output.rows(("Setting", "Value", "From", "Variable"), rows)
    if output.stdout_is_terminal() and any(setting.source == "file" for setting in found):
        output.note(f"{config_file().name} is {config_file()}")


@config_app.command("get")
def get_setting(key: KeyArgument, as_json: JsonOption = False) -> None:
    """Print the value of a setting.

    Exit code 0 if it has one, 1 if it is not set and has no default, 2 if something is wrong.
    """
    setting = setting_of(key)
    if as_json:
        output.document(_as_document(setting)["value"])
    elif values := _values(setting):
        for value in values:
            output.line(value)
    else:
        output.note(f"{key} is not set: {SHOWN_IF_UNSET[key]}")
    if not _values(setting):
        raise typer.Exit(NOT_SET)


@config_app.command("set")
def set_command(
    key: KeyArgument,
    value: Annotated[
        list[str],
        typer.Argument(
            metavar="VALUE", autocompletion=completion.setting_values, help="Its value; several for exclude"
        ),
    ],
) -> None:
    """Write a setting to the file.

    Comments in the file stay. For a value that begins with a dash, write -- before it.
    """
    from vifi_cli.api.library.encoders import note_model_setting
    from vifi_cli.api.settings import set_setting

    set_setting(key, value)
    output.note(f"{key} is set in {config_file()}")
    _warn_of_others(key)
    if key == "model":
        note_model_setting(index_folder(), ON_TERMINAL)


@config_app.command("unset")
def unset_command(key: KeyArgument) -> None:
    """Remove a setting from the file, so that its default applies again."""
    from vifi_cli.api.settings import unset_setting

    is_removed = unset_setting(key)
    output.note(f"{key} is {'no longer' if is_removed else 'not'} in {config_file()}")
    _warn_of_others(key)


@config_app.command("path")
def path_command() -> None:
    """Print the path of the file of settings, which you can also edit."""
    file = config_file()
    output.line(str(file))
    if not file.exists():
        output.note("the file does not exist yet: `vifi config set` makes it")


def _warn_of_others(key: str) -> None:
    """Warns of a variable that wins over the file, and of mistakes elsewhere in the file."""
    try:
        setting = setting_of(key) if key in KEYS else None
    except InvalidInput as error:
        output.warning(str(error))
        return
    if setting and setting.source == "environment":
        output.warning(f"{setting.place} is set, and wins over the file: {_in_words(setting)}")


def _values(setting: Setting) -> list[str]:
    """The value as lines of text; none if there is no value."""
    if setting.value is None:
        return []
    if isinstance(setting.value, bool):
        return [str(setting.value).lower()]
    return list(setting.value) if isinstance(setting.value, tuple) else [f"{setting.value}"]


def _place(setting: Setting) -> str:
    """Where a value comes from; for people, a file by its name alone."""
    if setting.source == "file" and output.stdout_is_terminal():
        return config_file().name
    return setting.place or "default"


def _in_words(setting: Setting) -> str:
    """The value on one line, quoted as in a shell where it is a list; what applies if there is none, for people."""
    values = _values(setting)
    if not values:
        return f"({SHOWN_IF_UNSET[setting.key]})" if output.stdout_is_terminal() else ""
    return shlex.join(values) if isinstance(setting.value, tuple) else values[0]


def _as_document(setting: Setting) -> dict[str, object]:
    return {
        "key": setting.key,
        "value": setting.value,
        "source": setting.source,
        "place": setting.place or None,
        "variable": setting.variable,
    }
