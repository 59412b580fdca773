"""CSV and JSONL tables of videos: path, label and, if wanted, split and group."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.data.forms.listing import SPLIT_NAMES, ListedVideo, Listing, Split
from vifi_cli.data.forms.text_file import numbered_lines, read_text
from vifi_cli.errors import InvalidInput

COLUMNS = ("path", "label", "split", "group")
FIRST_LINE = "`path,label`, with `split` and `group` if wanted"
TABLE_SUFFIXES = (".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as it stands in the file; `where` names the file and line."""

    path: str
    label: str
    split: str | None
    group: str
    where: str


def read_table(path: Path, class_names: tuple[str, ...] | None = None) -> Listing:
    """Reads a CSV file with a header, or a JSONL file with an object a line.

    Args:
        path: of the table; paths in it are relative to its folder, or absolute.
        class_names: of a label file. A label is then one of these names, or a number that counts them from 0;
            without, it is the name of a class, and classes are in the order of their names.

    Raises:
        InvalidInput: a column is missing or unknown, a cell is empty, a label is not known, or there is no row.
    """
    rows = list(_json_rows(path) if path.suffix.lower() == ".jsonl" else _csv_rows(path))
    if not rows:
        raise InvalidInput(f"{path} lists no video")
    if class_names is None:
        class_names = _names_used(rows, path)
    label_of = {name: label for label, name in enumerate(class_names)}
    videos = tuple(
        ListedVideo(
            row.path,
            _label(row, label_of),
            "train" if row.split is None else _split(row, row.split),
            row.group,
        )
        for row in rows
    )
    return Listing(str(path), class_names, videos)


def write_table(path: Path, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Writes rows of path, label, split and group as a CSV file that `read_table` reads; groups if there are any."""
    columns = len(COLUMNS) if any(group for *_, group in rows) else len(COLUMNS) - 1
    with path.open("w", encoding="utf-8", newline="", errors="surrogateescape") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS[:columns])
        writer.writerows(row[:columns] for row in rows)


def _csv_rows(path: Path) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(read_text(path)), skipinitialspace=True)
    header = next(reader, [])
    columns = _columns([cell.strip().lower() for cell in header], path)
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}, line {reader.line_num}"
        if len(cells) != len(columns):
            raise InvalidInput(
                f"{where} has {len(cells)} cells, the header {len(columns)}: quote cells with commas"
            )
        yield _row(dict(zip(columns, (cell.strip() for cell in cells), strict=True)), where)


def _columns(header: list[str], path: Path) -> list[str]:
    if unknown := [name for name in header if name not in COLUMNS]:
        raise InvalidInput(f"{path}: unknown column {unknown[0]!r}; the first line is {FIRST_LINE}")
    if missing := [name for name in COLUMNS[:2] if name not in header]:
        raise InvalidInput(f"{path} has no column {missing[0]!r}; the first line is {FIRST_LINE}")
    if len(set(header)) < len(header):
        raise InvalidInput(f"{path} has a column twice in its first line: {','.join(header)}")
    return header


def _json_rows(path: Path) -> Iterator[_Row]:
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidInput(f"{where} is not JSON: {error.msg}") from error
        if not isinstance(row, dict):
            raise InvalidInput(f'{where} is not an object such as {{"path": "a.mp4", "label": "run"}}')
        if unknown := [name for name in row if name not in COLUMNS]:
            raise InvalidInput(f"{where}: unknown key {unknown[0]!r}; the keys are {', '.join(COLUMNS)}")
        yield _row({name: str(value) for name, value in row.items() if value is not None}, where)


def _row(cells: dict[str, str], where: str) -> _Row:
    for name in COLUMNS[:2]:
        if not cells.get(name):
            raise InvalidInput(f"{where} has no {name}")
    return _Row(cells["path"], cells["label"], cells.get("split"), cells.get("group", ""), where)


def _names_used(rows: list[_Row], path: Path) -> tuple[str, ...]:
    names = tuple(sorted({row.label for row in rows}))
    if all(name.isdecimal() for name in names):
        raise InvalidInput(
            f"{path}: its labels are numbers; name the file with the class names, as in `--labels classes.csv`"
        )
    return names


def _label(row: _Row, label_of: dict[str, int]) -> int:
    if row.label in label_of:
        return label_of[row.label]
    if not row.label.isdecimal():
        raise InvalidInput(f"{row.where}: the label file has no class {row.label!r}")
    if int(row.label) >= len(label_of):
        raise InvalidInput(
            f"{row.where}: label {row.label} is out of range, the classes are 0 to {len(label_of) - 1}"
        )
    return int(row.label)


def _split(row: _Row, split: str) -> Split:
    if split.lower() not in SPLIT_NAMES:
        raise InvalidInput(f"{row.where}: split {split!r} is not train, val or test")
    return SPLIT_NAMES[split.lower()]
