"""The messages of a worker process to its parent, and their bytes.

    parent -> worker    a call: a picklable function (see `isolated`)
    worker -> parent    for each call any number of Progress and Value, and then one Done or Failed

A worker reads untrusted files with native code, so its parent never unpickles what it sends. A message is JSON,
followed by the bytes of its arrays. It can hold only plain values, arrays and dataclasses of vifi.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from vifi_cli import errors
from vifi_cli.errors import UnreadableVideo, VideoOutOfReach, VifiError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the call has come; without arguments, a sign of life."""

    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One of several results that come before the function returns."""

    value: Any


@dataclass(frozen=True, slots=True)
class Done:
    """The function returned."""

    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised an error."""

    kind: str  # `OSError`, or the name of a class in `vifi_cli.errors`
    arguments: tuple[Any, ...]  # of the error's constructor

    @classmethod
    def by(cls, error: Exception) -> "Failed":
        """Describes an error; any but VifiError and OSError becomes UnreadableVideo."""
        if isinstance(error, OSError):
            return cls("OSError", (error.errno, error.strerror, error.filename))
        if isinstance(error, VifiError):
            kinds = (kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
            return cls(next(kinds), (str(error),))
        if isinstance(error, MemoryError):
            return cls(VideoOutOfReach.__name__, ("not enough memory to decode it",))
        return cls(UnreadableVideo.__name__, (f"it failed: {type(error).__name__}: {error}",))

    def error(self) -> Exception:
        """The error for the parent to raise; raises ValueError if the kind is unknown."""
        kind = OSError if self.kind == "OSError" else getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, OSError | VifiError)):
            raise ValueError(f"not an error that a worker raises: {self.kind}")
        return kind(*self.arguments)


Message = Progress | Value | Done | Failed


def packed(message: Message) -> list[bytes]:
    """The parts to send, in order; raises TypeError if the message holds anything but values."""
    arrays: list[bytes] = []
    text = json.dumps(_as_json(message, arrays))
    return [text.encode(), *arrays]


def receive(connection: Connection) -> Message:
    """Reads a message; raises ValueError if it makes no sense, EOFError or OSError if the other end is closed."""
    try:
        message = _from_json(json.loads(connection.recv_bytes()), connection.recv_bytes)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a message: {error}") from error
    if not isinstance(message, Message):
        raise ValueError(f"not a message: {type(message).__name__}")
    return message


def _as_json(value: Any, arrays: list[bytes]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_as_json(part, arrays) for part in value]
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, Fraction):
        return {"fraction": str(value)}
    if isinstance(value, bytes):
        arrays.append(value)
        return {"bytes": len(value)}
    if isinstance(value, np.ndarray):
        arrays.append(value.tobytes())
        return {"array": value.dtype.str, "shape": value.shape}
    if is_dataclass(value):
        content = {field.name: _as_json(getattr(value, field.name), arrays) for field in fields(value)}
        return {"class": f"{type(value).__module__}:{type(value).__name__}", "fields": content}
    raise TypeError(f"a worker cannot send a {type(value).__name__}")


def _from_json(value: Any, next_part: Callable[[], bytes]) -> Any:
    """Undoes `_as_json`, with lists as tuples; takes the bytes of arrays in the order in which it added them."""
    if isinstance(value, list):
        return tuple(_from_json(part, next_part) for part in value)
    if not isinstance(value, dict):
        return value
    if "class" in value:
        content = {name: _from_json(part, next_part) for name, part in value["fields"].items()}
        return _dataclass(value["class"])(**content)
    if "array" in value:
        array = np.frombuffer(bytearray(next_part()), np.dtype(value["array"]))
        return array.reshape(value["shape"])
    if "bytes" in value:
        return next_part()
    return Fraction(value["fraction"]) if "fraction" in value else Path(value["path"])


def _dataclass(name: str) -> Callable[..., Any]:
    """A dataclass of vifi whose module this process has imported."""
    module, _, class_name = name.partition(":")
    found = getattr(sys.modules.get(module), class_name, None)
    if not module.startswith("vifi_cli.") or not isinstance(found, type) or not is_dataclass(found):
        raise ValueError(f"not a value that a worker sends: {name}")
    return found
