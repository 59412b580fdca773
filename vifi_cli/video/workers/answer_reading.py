"""Reads the messages of a worker that may have been taken over: by the types that a call announced, within limits.

The types, not the message, decide which classes are made. Sizes are checked before memory is taken.
"""

import json
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from vifi_cli.video.workers.messages import Answers, Done, Failed, Message, Progress, Value

LARGEST_INTEGER = 2**63
MOST_DIMENSIONS = 8
TakePart = Callable[[int], bytearray]
"""Reads the next part, which must have this many bytes; raises ValueError if it has not."""


def read_message(text: bytes | bytearray, take_part: TakePart, answers: Answers[Any]) -> Message:
    """Reads a message from its JSON and the parts that follow it; raises ValueError for all that is not announced."""
    try:
        document = json.loads(text)
        kind = document["class"]
        parts = _Parts(take_part, answers.most_array_bytes)
        if kind == Progress.__name__:
            arguments = document["fields"]["arguments"]
            forms = answers.reports if arguments else ()
            return Progress(_tuple(arguments, forms, parts))
        if kind == Value.__name__ and answers.values is not None:
            return Value(_value(document["fields"]["value"], answers.values, parts))
        if kind == Done.__name__:
            return Done(_value(document["fields"]["result"], answers.result, parts))
        if kind == Failed.__name__:
            failed: Failed = _dataclass(document, Failed, parts)
            return failed
    except (TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"not a message: {error}") from error
    raise ValueError("not a message that the call announced")


class _Parts:
    """The parts that follow the JSON, as many bytes as one message may hold."""

    def __init__(self, take_part: TakePart, most_bytes: int) -> None:
        self._take_part, self._rest_bytes = take_part, most_bytes

    def take(self, size_bytes: object) -> bytearray:
        if type(size_bytes) is not int or not 0 <= size_bytes <= self._rest_bytes:
            raise ValueError(f"{size_bytes!s:.50} bytes, where {self._rest_bytes} are the most")
        self._rest_bytes -= size_bytes
        return self._take_part(size_bytes)


def _value(node: Any, form: Any, parts: _Parts) -> Any:
    """A value of the type `form`, from JSON and parts; raises ValueError, or an error that `read_message` names."""
    if form in _PLAIN:
        return _PLAIN[form](node)
    if form is bytes:
        return bytes(parts.take(node["bytes"]))
    if form is Fraction:
        numerator, denominator = _integer(node["numerator"]), _integer(node["denominator"])
        return Fraction(numerator, denominator)
    origin, options = get_origin(form), get_args(form)
    if hasattr(origin, "__value__"):  # a `type` alias with parameters, as numpy's NDArray is from 2.5 on
        return _value(node, origin.__value__[options], parts)
    if origin in (Union, UnionType):
        return _one_of(node, options, parts)
    if origin is Literal:
        return _accept(node, any(type(node) is type(option) and node == option for option in options))
    if origin is tuple:
        forms = options[:1] * len(node) if options[1:] == (...,) else options
        return _tuple(node, forms, parts)
    if origin is np.ndarray:
        return _array(node, np.dtype(get_args(options[1])[0]), parts)
    if is_dataclass(form):
        return _dataclass(node, form, parts)
    raise NotImplementedError(f"a worker cannot send {form}: add it to {__name__}")


def _one_of(node: Any, forms: tuple[Any, ...], parts: _Parts) -> Any:
    """A value of the first type that fits; types differ before any part of them is taken."""
    for form in forms:
        try:
            return _value(node, form, parts)
        except (ValueError, TypeError, KeyError):
            continue
    raise ValueError("none of the types announced")


def _tuple(node: Any, forms: tuple[Any, ...], parts: _Parts) -> tuple[Any, ...]:
    _accept(node, isinstance(node, list) and len(node) == len(forms))
    return tuple(_value(part, form, parts) for part, form in zip(node, forms, strict=True))


def _dataclass(node: Any, form: Any, parts: _Parts) -> Any:
    content = node["fields"]
    names = [field.name for field in fields(form)]
    _accept(node, node["class"] == form.__name__ and isinstance(content, dict) and list(content) == names)
    hints = _hints(form)
    return form(**{name: _value(part, hints[name], parts) for name, part in content.items()})


def _array(node: Any, dtype: np.dtype[Any], parts: _Parts) -> Any:
    shape = node["shape"]
    _accept(node, node["array"] == dtype.str and isinstance(shape, list) and len(shape) <= MOST_DIMENSIONS)
    _accept(node, all(_integer(length) >= 0 for length in shape))
    content = parts.take(math.prod(shape) * dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(shape)


@cache
def _hints(form: type) -> dict[str, Any]:
    return get_type_hints(form)


def _integer(node: Any) -> int:
    _accept(node, type(node) is int and abs(node) < LARGEST_INTEGER)
    return int(node)


def _number(node: Any) -> float:
    _accept(node, type(node) is float or (type(node) is int and abs(node) < LARGEST_INTEGER))
    _accept(node, math.isfinite(node))
    return float(node)


def _accept(node: Any, is_right: bool) -> Any:
    if not is_right:
        raise ValueError(f"not what was announced: {type(node).__name__}")
    return node


_PLAIN: dict[Any, Callable[[Any], Any]] = {
    None: lambda node: _accept(node, node is None),
    NoneType: lambda node: _accept(node, node is None),
    bool: lambda node: _accept(node, type(node) is bool),
    int: _integer,
    float: _number,
    str: lambda node: _accept(node, type(node) is str),
}
