"""Values from TOML and JSON files as frozen dataclasses: pydantic checks each key and type."""

import difflib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

Kind = TypeVar("Kind")
_QUOTED_CHARACTERS = 60  # of a refused value, in a message


def as_dataclass(kind: type[Kind], values: Mapping[str, Any], source: str) -> Kind:
    """Build a dataclass from the values of a file, whose tables become inner dataclasses; absent keys keep defaults.

    Types are strict: a number is not a text, a boolean is not a number. Two conversions happen: a list becomes a tuple
    and an integer becomes a float, where the dataclass says so. Each message begins with `source`.

    Raises:
        InvalidInput: an unknown or a missing key, or a value that the field or the dataclass refuses.
    """
    from pydantic import ValidationError

    for key, number in _infinite_numbers(values, ""):
        raise InvalidInput(f"{source}: {key} must be a finite number, not {str(number)[:_QUOTED_CHARACTERS]}")
    # as JSON, since pydantic's strict mode accepts neither tables for dataclasses nor lists for tuples otherwise
    document = json.dumps(values, default=_not_in_json)
    try:
        value: Kind = _adapter(kind).validate_json(document, strict=True, extra="forbid")  # type: ignore[arg-type]
    except ValidationError as error:
        raise InvalidInput(f"{source}: {_in_words(kind, error.errors(include_url=False))}") from error
    return value


@cache
def _adapter(kind: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _infinite_numbers(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _infinite_numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not _is_finite(value):
            yield f"{prefix}{name}", value


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _not_in_json(value: object) -> object:
    """TOML's dates and times, in a form that no field accepts."""
    if isinstance(value, date | time):
        return {type(value).__name__: str(value)}
    raise TypeError(f"{type(value).__name__} does not come from TOML or JSON")


def _in_words(kind: type, errors: "list[ErrorDetails]") -> str:
    """The first error; a union has one for each of its members."""
    error = errors[0]
    path = list(_fields_on_the_way(kind, error["loc"]))
    key = ".".join(path)
    if error["type"] == "unexpected_keyword_argument":
        return f"there is no key {key}; {_suggestion(kind, path)}"
    if error["type"] == "missing":
        return f"{key} is missing"
    if error["type"] == "json_invalid":
        return "it is nested too deeply, or holds a text that is not Unicode"
    if error["type"] == "value_error":
        return ": ".join(filter(None, (key, str(error["ctx"]["error"]))))
    same = (one["msg"] for one in errors if list(_fields_on_the_way(kind, one["loc"])) == path)
    wanted = " or ".join(message.removeprefix("Input should be ") for message in same)
    wanted = wanted.replace("an object", "a table").replace("a valid array", "a list")
    return f"{key} should be {wanted}, not {_quoted(error['input'])}"


def _fields_on_the_way(kind: Any, location: tuple[int | str, ...]) -> Iterator[str]:
    """The keys that lead to an error, without the names that pydantic gives to the members of a union."""
    for step in location:
        known = _field_types(kind)
        if known:
            yield str(step)
        kind = known.get(str(step))


def _field_types(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass, or of the one in a union with None, with their types."""
    dataclass_of = next((one for one in (kind, *get_args(kind)) if is_dataclass(one)), None)
    if dataclass_of is None:
        return {}
    hints = get_type_hints(dataclass_of)
    return {entry.name: hints[entry.name] for entry in fields(dataclass_of)}


def _suggestion(kind: Any, path: list[str]) -> str:
    for step in path[:-1]:
        kind = _field_types(kind)[step]
    known = sorted(_field_types(kind))
    near = difflib.get_close_matches(path[-1], known, n=1)
    return f"did you mean {near[0]}?" if near else f"known keys are {', '.join(known)}"


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}…"
