"""Dataclasses from TOML values, checked: an unknown key is an error, so that a misspelt one cannot be ignored."""

import sys
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from vifi_cli.errors import InvalidInput


def from_table(kind: Any, table: Mapping[str, Any], prefix: str = "") -> Any:
    """Build a dataclass from a table, tables within it from theirs; fields not given keep their defaults.

    Args:
        kind: the dataclass.
        table: TOML values by the names of its fields.
        prefix: what names of keys begin with in messages.

    Raises:
        InvalidInput: an unknown key, a missing one, a value of the wrong kind or that the dataclass refuses.
    """
    hints = get_type_hints(kind)
    known = {entry.name for entry in fields(kind)}
    for key in table:
        if key not in known:
            raise InvalidInput(f"recipe: there is no key {prefix}{key}; known are {', '.join(sorted(known))}")
    missing = [entry.name for entry in fields(kind) if entry.name not in table and entry.default is MISSING]
    if missing:
        raise InvalidInput(f"recipe: {prefix}{missing[0]} is not given")
    values = {key: checked(hints[key], value, f"{prefix}{key}") for key, value in table.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise InvalidInput(f"recipe: {prefix.removesuffix('.')}: {error}") from error


def checked(kind: Any, value: Any, key: str) -> Any:
    """A TOML value as a field of this kind has it; whole numbers are taken for numbers too.

    Raises:
        InvalidInput: it is of another kind.
    """
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise InvalidInput(f"recipe: {key} is a table, not {value!r}")
        return from_table(kind, value, f"{key}.")
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise InvalidInput(f"recipe: {key} is one of {', '.join(get_args(kind))}, not {value!r}")
        return value
    if get_origin(kind) in (Union, types.UnionType):
        raise TypeError(f"{key}: a recipe's fields have one kind each")
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= sys.float_info.max:
            raise InvalidInput(f"recipe: {key} must be a finite number, not {str(value)[:20]}")
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise InvalidInput(f"recipe: {key} must be of kind {kind.__name__}, not {value!r}")
    return value
