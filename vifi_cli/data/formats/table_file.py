"""CSV and JSONL tables of videos with the columns path and label, and optionally split, group, start and end."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from vifi_cli.data.formats.listing import SPLIT_NAMES, ListedVideo
from vifi_cli.data.formats.text_file import CsvRow, numbered_lines, read_csv
from vifi_cli.errors import InvalidInput
from vifi_cli.video.moment import TimeRange
from vifi_cli.wording import seconds_of

REQUIRED, OPTIONAL = ("path", "label"), ("split", "group", "start", "end")
COLUMNS = (*REQUIRED, *OPTIONAL)
TABLE_SUFFIXES = (".csv", ".jsonl")


def read_table(
    path: Path, class_names: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], list[ListedVideo]]:
    """Reads class names and videos from a CSV file with a header, or a JSONL file with an object on each line.

    With `class_names`, labels are these names, or numbers that count them from 0. Without, every label is the name of a
    class, and the classes are sorted.

    Raises:
        InvalidInput: a column is missing or unknown, a cell is empty, a label is unknown, a start or an end is not a
            time, or there are no rows.
    """
    is_csv = path.suffix.lower() != ".jsonl"
    rows = list(read_csv(path, REQUIRED, OPTIONAL) if is_csv else _json_rows(path))
    if not rows:
        raise InvalidInput(f"{path} lists no video: add a line for each")
    if class_names is None:
        class_names = _names_used(rows, path)
    label_of = {name: label for label, name in enumerate(class_names)}
    return class_names, [_listed(row, label_of) for row in rows]


def write_table(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Writes rows of `COLUMNS` as CSV, without the optional columns that are empty in all rows, except split."""
    columns = [name for name in COLUMNS if name not in OPTIONAL[1:] or any(row.get(name) for row in rows)]
    with path.open("w", encoding="utf-8", newline="", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def times_as_cells(part: TimeRange) -> dict[str, str]:
    """The start and end of a part as a table has them, in seconds; empty where the file begins or ends."""
    start = np.format_float_positional(part.start_seconds, trim="-") if part.start_seconds else ""
    end = np.format_float_positional(part.end_seconds, trim="-") if math.isfinite(part.end_seconds) else ""
    return {"start": start, "end": end}


def _json_rows(path: Path) -> Iterator[CsvRow]:
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidInput(f"{where} is not JSON: {error.msg}") from error
        if not isinstance(row, dict):
            raise InvalidInput(f'{where} is not an object such as {{"path": "a.mp4", "label": "run"}}')
        if unknown := next((name for name in row if name not in COLUMNS), None):
            raise InvalidInput(f"{where}: unknown key {unknown!r}; the keys are {', '.join(COLUMNS)}")
        cells = {name: str(value) for name, value in row.items() if value is not None}
        if missing := next((name for name in REQUIRED if not cells.get(name)), None):
            raise InvalidInput(f"{where} has no {missing}: fill it in, or delete the line")
        yield CsvRow(cells, where)


def _names_used(rows: Sequence[CsvRow], path: Path) -> tuple[str, ...]:
    names = tuple(sorted({row.cells["label"] for row in rows}))
    if all(name.isdecimal() for name in names):
        raise InvalidInput(f"{path}: its labels are numbers; name the classes as in {path},labels.csv")
    return names


def _listed(row: CsvRow, label_of: dict[str, int]) -> ListedVideo:
    split = row.cells.get("split", "train")
    if split.lower() not in SPLIT_NAMES:
        raise InvalidInput(f"{row.where}: split {split!r} is not train, val or test")
    group = row.cells.get("group", "")
    label, part = _label(row, label_of), part_of(row)
    return ListedVideo(row.cells["path"], label, SPLIT_NAMES[split.lower()], group, part)


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


def _time(row: CsvRow, column: str, usual: float) -> float:
    text = row.cells.get(column, "")
    seconds = seconds_of(text) if text else usual
    if seconds is None:
        raise InvalidInput(
            f"{row.where}: {column} {text!r} is not a time: write seconds, as in 12.5, or 1:02:03.5"
        )
    return seconds


def _label(row: CsvRow, label_of: dict[str, int]) -> int:
    label = row.cells["label"]
    if label in label_of:
        return label_of[label]
    if not label.isdecimal():
        raise InvalidInput(f"{row.where}: the label file has no class {label!r}")
    if int(label) >= len(label_of):
        raise InvalidInput(f"{row.where}: label {label} is out of the range 0 to {len(label_of) - 1}")
    return int(label)
