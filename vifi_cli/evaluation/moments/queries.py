"""Queries about videos, each with the true windows: the parts of its video that show what it describes."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import InvalidInput
from vifi_cli.video.moment import TimeRange

TABLE = "table"
"""The source of a table of your own."""


@dataclass(frozen=True, slots=True)
class MomentQuery:
    """A query about one video.

    `number` is its id in the annotation file, or its place in it from 1. `video` is spelled as there: a path, or a name
    without a suffix. `segments` counts the segments of 5 s in a video of DiDeMo, and is 0 elsewhere.
    """

    number: int | str
    text: str
    video: str
    windows: tuple[TimeRange, ...]  # the true ones, one or more
    where: str  # the file and line, for messages
    segments: int = 0

    @property
    def true_windows(self) -> npt.NDArray[np.float64]:
        """Start and end of each true window in seconds, float64 (T, 2)."""
        return np.array([(window.start_seconds, window.end_seconds) for window in self.windows])


@dataclass(frozen=True, slots=True)
class MomentQueries:
    """The queries of an annotation file.

    `source` is the dataset whose format it has, or `TABLE`. `without_length` names the true windows that were left out
    because they end before they begin, and `remarks` are for the user.
    """

    path: Path
    source: str
    queries: tuple[MomentQuery, ...]
    without_length: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.queries:
            reason = ": all of them end before they begin" if self.without_length else ""
            raise InvalidInput(f"{self.path} has no query with a true window{reason}")

    @property
    def has_segments(self) -> bool:
        """Whether the candidates are segments of 5 s, as in DiDeMo."""
        return any(query.segments for query in self.queries)

    def videos(self) -> tuple[str, ...]:
        """The videos of all queries, each once, in the order of the file."""
        return tuple(dict.fromkeys(query.video for query in self.queries))


def window_of(values: object, where: str) -> TimeRange | None:
    """The window of a list of start and end in seconds; None if the end is not after the start.

    Raises:
        InvalidInput: it is not a list of two times.
    """
    match values:
        case [int() | float() as start, int() | float() as end] if 0 <= min(start, end) <= max(start, end):
            if math.isfinite(start) and math.isfinite(end):
                return TimeRange(float(start), float(end)) if start < end else None
    raise InvalidInput(
        f"{where}: {values!r} is not a window: write [start, end] in seconds, such as [12.5, 20]"
    )


def text_of(value: object, where: str, name: str) -> str:
    """A text that must not be empty; raises InvalidInput if it is, or is not a text."""
    if isinstance(value, str) and (text := " ".join(value.split())):
        return text
    raise InvalidInput(f"{where} has no {name}: fill it in, or delete it")
