"""Reads tables of videos with the columns path and label, and optionally split, group, start and end."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vifi_cli.data.formats.label_file import LabelFile
from vifi_cli.data.formats.label_numbers import NumberedFile, first_label, remarks_on_first_label
from vifi_cli.data.formats.listing import SPLIT_NAMES, ListedVideo, Listing
from vifi_cli.data.formats.lists.own_lists import is_list
from vifi_cli.data.formats.tables.rows import (
    csv_rows,
    has_known_header,
    json_entries,
    json_lines,
    load_entries,
)
from vifi_cli.data.formats.tables.times import are_of_cut_files, part_of
from vifi_cli.data.formats.tables.writing import JSON_LINES
from vifi_cli.data.formats.text_file import CsvRow
from vifi_cli.errors import InvalidInput
from vifi_cli.video.moment import WHOLE_VIDEO

TABLE_SUFFIXES = (".csv", ".tsv")
JSON = ".json"
NOT_LABELS = ("nan", "null", "<na>", "#n/a", "n/a")
"""What programs write into a cell without a label, in lower case."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_AS_LIST = '{"path": "a.mp4", "label": ["run", "wave"]}'


def is_table(path: Path) -> bool:
    """Whether a file is a table: by its header, else by its suffix if it is not a list, as some CSV files are."""
    suffix = path.suffix.lower()
    if suffix == JSON_LINES:
        return True
    return has_known_header(path) or (suffix in TABLE_SUFFIXES and not is_list(path))


def is_json_table(path: Path) -> bool:
    """Whether a file is a JSON list of objects, each a row."""
    return path.suffix.lower() == JSON and path.is_file() and load_entries(path) is not None


def read_table(path: Path, labels: LabelFile | None = None) -> Listing:
    """Reads class names and videos from a CSV, a JSONL file with an object on each line, or a JSON list of objects.

    A CSV may have `;` or TAB between its cells, usual names for its columns, and no header if it is clear what its
    columns are. With a label file, labels are its names or numbers. Without, every label is the name of a class, and
    the classes are sorted. A label of a JSONL row may be a list.

    Raises:
        InvalidInput: a column is missing or unknown, a cell is empty, a label is unknown, a start or an end is not a
            time, or there are no rows.
    """
    suffix = path.suffix.lower()
    read = json_lines if suffix == JSON_LINES else json_entries if suffix == JSON else csv_rows
    rows, remarks = read(path)
    if not rows:
        raise InvalidInput(f"{path} lists no video: add a line for each")
    return listing_of(rows, str(path), labels, remarks)


def listing_of(
    rows: Sequence[CsvRow], source: str, labels: LabelFile | None, remarks: Sequence[str] = ()
) -> Listing:
    """The classes and videos of rows by our columns, read from a source; errors are those of `read_table`."""
    remarks = list(remarks)
    _check_labels(rows)
    first = 0
    if labels is None:
        labels = LabelFile(_names_used(rows, source))
    elif numbered := [
        NumberedFile(row.cells["path"], int(label), row.where)
        for row in rows
        for label in _labels(row)
        if label.isdecimal() and labels.find(label) is None
    ]:
        first = first_label(numbered, labels)
        remarks += remarks_on_first_label(first, labels)
    known = {name: label for label, name in enumerate(labels.names)}
    videos = tuple(_listed(row, known, labels, first) for row in rows)
    if are_of_cut_files(videos):
        remarks.append(
            "the files are cut already at the times in the table, as their names say: vifi reads all of them"
        )
        videos = tuple(replace(video, part=WHOLE_VIDEO) for video in videos)
    return Listing(labels.names, videos, tuple(remarks))


def _labels(row: CsvRow) -> tuple[str, ...]:
    return (row.cells["label"], *row.more_labels)


def _check_labels(rows: Sequence[CsvRow]) -> None:
    """Refuses labels that are absent, or that are several classes in the text of one."""
    alone = {row.cells["label"] for row in rows}
    for row in rows:
        for label in _labels(row):
            if label.lower() in NOT_LABELS or not label:
                raise InvalidInput(f"{row.where} has no label but {label!r}: fill it in, or delete the line")
            parts = [[part.strip() for part in label.split(mark)] for mark in ",;"]
            is_list = label.startswith(("[", "{", "(")) and label.endswith(("]", "}", ")"))
            is_list = is_list or sum(map(bool, label.split("|"))) > 1
            if is_list or any(len(each) > 1 and alone.issuperset(each) for each in parts):
                raise InvalidInput(
                    f"{row.where}: the label {label!r} seems to be several classes: write a .jsonl table with rows "
                    f"such as {_AS_LIST}, or rename the class"
                )


def _names_used(rows: Sequence[CsvRow], source: str) -> tuple[str, ...]:
    names = tuple(sorted({label for row in rows for label in _labels(row)}))
    if all(name.isdecimal() for name in names):
        raise InvalidInput(f"{source}: its labels are numbers; name the classes as in {source},labels.csv")
    if all(map(_NUMBER.fullmatch, names)):
        strange = next(row for row in rows if not row.cells["label"].isdecimal())
        raise InvalidInput(
            f"{strange.where}: the label {strange.cells['label']!r} is not a class: write names, or whole numbers from "
            f"0 and {source},labels.csv"
        )
    return names


def _listed(row: CsvRow, known: dict[str, int], labels: LabelFile, first: int) -> ListedVideo:
    split = row.cells.get("split", "train")
    if split.lower() not in SPLIT_NAMES:
        raise InvalidInput(f"{row.where}: split {split!r} is not train, val or test")
    label, *more = dict.fromkeys(_label(name, row.where, known, labels, first) for name in _labels(row))
    return ListedVideo(
        row.cells["path"],
        label,
        SPLIT_NAMES[split.lower()],
        row.cells.get("group", ""),
        part_of(row),
        tuple(more),
    )


def _label(name: str, where: str, known: dict[str, int], labels: LabelFile, first: int) -> int:
    if name in known:
        return known[name]
    if (found := labels.find(name)) is not None:
        return found
    if name.isdecimal():
        return int(name) - first
    raise InvalidInput(f"{where}: the label file has no class {name!r}")
