"""The messages between a worker process and its parent, and their parts of bytes.

    parent -> worker    a call: a picklable function (see `isolated_worker`)
    worker -> parent    for each call any number of Progress and Value, and then one Done or Failed

A worker reads untrusted files with native code, so its parent never unpickles what it sends. A message is JSON,
followed by the bytes of its arrays. It can hold only plain values, arrays and dataclasses, and the parent takes only
those that the call announced in its `Answers` (`answer_reading`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar

import av
import numpy as np

from vifi_cli.errors import InvalidInput, ReadingBrokeOff, UnreadableVideo, VideoOutOfReach, VifiError
from vifi_cli.wording import one_line

MOST_ARRAY_BYTES = 64 * 2**20
LONGEST_REASON = 1000
UNEXPECTED = "vifi did not expect what is in it: set VIFI_DEBUG=1 to see where it failed, and report that"
_ERRORS: Mapping[str, type[VifiError]] = {
    kind.__name__: kind for kind in (UnreadableVideo, VideoOutOfReach, ReadingBrokeOff, InvalidInput)
}
_OF_THE_SYSTEM = "OSError"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answers(Generic[Result]):
    """What a call may send; the worker is lost if it sends anything else.

    The types are None, bool, int, float, str, bytes, Fraction, arrays as `npt.NDArray[np.uint8]`, tuples, unions and
    literals of these, and dataclasses of these. Numbers are finite.
    """

    result: type[Result]
    reports: tuple[type, ...] = ()  # the arguments of each report; a sign of life has none
    values: type | None = None  # results that come before the function returns
    most_array_bytes: int = MOST_ARRAY_BYTES  # in one message


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

    kind: str  # `OSError`, or the name of an error that a video can cause
    reason: str
    error_number: int | None = None  # of an OSError
    file: str | None = None  # that an OSError names

    @classmethod
    def by(cls, error: Exception) -> "Failed":
        """Describes an error; an unexpected one becomes UnreadableVideo."""
        if isinstance(error, OSError):
            file = error.filename if isinstance(error.filename, str) else None
            return cls(_OF_THE_SYSTEM, error.strerror or str(error), error.errno, file)
        if isinstance(error, VifiError):
            kinds = (kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS)
            return cls(next(kinds, UnreadableVideo.__name__), str(error))
        if isinstance(error, MemoryError):
            return cls(ReadingBrokeOff.__name__, "not enough memory to decode it")
        if isinstance(error, av.FFmpegError):
            return cls(
                UnreadableVideo.__name__, f"FFmpeg cannot read it: {error.strerror or 'no reason given'}"
            )
        return cls(UnreadableVideo.__name__, UNEXPECTED)

    def error(self) -> Exception:
        """The error for the parent to raise; raises ValueError if the kind is unknown."""
        reason = one_line(self.reason[:LONGEST_REASON])
        if self.kind == _OF_THE_SYSTEM:
            return OSError(*((self.error_number, reason, self.file) if self.error_number else (reason,)))
        if self.kind not in _ERRORS:
            raise ValueError(f"not an error that a worker raises: {self.kind[:LONGEST_REASON]}")
        return _ERRORS[self.kind](reason)


Message = Progress | Value | Done | Failed


def packed(message: Message) -> list[bytes]:
    """The parts to send, in order; raises TypeError if the message holds anything but values."""
    arrays: list[bytes] = []
    text = json.dumps(_as_json(message, arrays))
    return [text.encode(), *arrays]


def _as_json(value: Any, arrays: list[bytes]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_as_json(part, arrays) for part in value]
    if isinstance(value, Fraction):
        return {"numerator": value.numerator, "denominator": value.denominator}
    if isinstance(value, bytes):
        arrays.append(value)
        return {"bytes": len(value)}
    if isinstance(value, np.ndarray):
        arrays.append(value.tobytes())
        return {"array": value.dtype.str, "shape": value.shape}
    if is_dataclass(value):
        content = {field.name: _as_json(getattr(value, field.name), arrays) for field in fields(value)}
        return {"class": type(value).__name__, "fields": content}
    raise TypeError(f"a worker cannot send a {type(value).__name__}")
