"""The columns `start` and `end`, which say what part of a file a row means."""

import math
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

import numpy as np

from vifi_cli.data.formats.listing import ListedVideo
from vifi_cli.data.formats.text_file import CsvRow
from vifi_cli.errors import InvalidInput
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.wording import seconds_of

_BY_PROGRAMS = re.compile(r"\d(?:\.\d+)?e[+-]?\d+", re.IGNORECASE)
"""A number as programs write tiny and huge ones, such as the 5.6e-17 that rounding leaves of 0."""

_CUT_NAME = re.compile(r"(?:.*[_-])?(\d+(?:\.\d+)?)[_-](\d+(?:\.\d+)?)")
"""The name of a file that was cut from another one at a start and an end, such as Kinetics' `ID_000010_000020`."""


def times_as_cells(part: TimeRange) -> dict[str, str]:
    """The start and end of a part as a table has them, in seconds; empty where the file begins or ends."""
    start = np.format_float_positional(part.start_seconds, trim="-") if part.start_seconds else ""
    end = np.format_float_positional(part.end_seconds, trim="-") if math.isfinite(part.end_seconds) else ""
    return {"start": start, "end": end}


def part_of(row: CsvRow) -> TimeRange:
    """The part of the file that a row means, by its cells `start` and `end`, either of which may be empty.

    Raises:
        InvalidInput: a cell is not a time, or the end is not after the start.
    """
    start, end = _time(row, "start", 0.0), _time(row, "end", math.inf)
    if end <= start:
        cells = row.cells
        raise InvalidInput(
            f"{row.where}: the end, {cells['end']}, is not after the start, {cells.get('start') or 0}"
        )
    return TimeRange(start, end)


def are_of_cut_files(videos: Iterable[ListedVideo]) -> bool:
    """Whether files were cut from longer ones at the times that a table has for them, as all their names say."""
    moments = [video for video in videos if video.part != WHOLE_VIDEO]
    return bool(moments) and all(_names_part(video.file, video.part) for video in moments)


def _names_part(path: str, part: TimeRange) -> bool:
    found = _CUT_NAME.fullmatch(PurePosixPath(path.replace("\\", "/")).stem)
    return found is not None and TimeRange(float(found[1]), float(found[2])) == part


def _time(row: CsvRow, column: str, usual: float) -> float:
    text = row.cells.get(column, "")
    if not text:
        return usual
    seconds = float(text) if _BY_PROGRAMS.fullmatch(text) else seconds_of(text)
    if seconds is None or math.isinf(seconds):
        raise InvalidInput(
            f"{row.where}: {column} {text!r} is not a time: write seconds, as in 12.5, or 1:02:03.5"
        )
    return seconds
