"""Options that take the user's setting where they are not given, and how help shows that setting."""

from collections.abc import Callable
from typing import Any

import typer

from vifi_cli.errors import InvalidInput
from vifi_cli.settings.settings import Setting, setting_of, variable_of

Callback = Callable[[typer.Context, typer.CallbackParam, Any], Any]


def takes_setting(key: str) -> Callback:
    """A callback for an option whose value without the flag is a setting."""

    def given_or_set(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
        source = context.get_parameter_source(str(parameter.name))
        is_given = source is not None and source.name == "COMMANDLINE"
        return value if is_given or context.resilient_parsing else setting_of(key).value

    return _marked(given_or_set, key)


def named_in_help(key: str) -> Callback:
    """A callback for an option that changes nothing: the API applies the setting, and help shows it."""

    def unchanged(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
        return value

    return _marked(unchanged, key)


def shown_setting(option: Any) -> Setting | None:
    """The setting that an option follows; None if it follows none, or if the settings cannot be read."""
    key = getattr(option.callback, "setting_key", None)
    try:
        return setting_of(key) if key else None
    except InvalidInput:
        return None


def followed_variable(option: Any) -> str | None:
    """The environment variable of the setting that an option follows, if any."""
    key = getattr(option.callback, "setting_key", None)
    return variable_of(key) if key else None


def _marked(callback: Callback, key: str) -> Callback:
    callback.setting_key = key  # type: ignore[attr-defined]  # Typer keeps attributes of callbacks
    return callback
