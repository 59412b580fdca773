"""The rows of tables, by the columns that vifi knows."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from vifi_cli.data.formats.tables.columns import (
    COLUMNS,
    REQUIRED,
    TIMES,
    are_columns,
    columns_of,
    columns_without_header,
    find_columns,
    says_who,
)
from vifi_cli.data.formats.text_file import CsvRow, numbered_lines, read_text, rows_below
from vifi_cli.errors import InvalidInput


def csv_rows(path: Path) -> tuple[list[CsvRow], list[str]]:
    """The rows of a CSV file by our columns, and remarks; see `read_table`."""
    text = _without_preamble(read_text(path))
    mark, header = find_columns(text)
    reader = csv.reader(io.StringIO(text), delimiter=mark, skipinitialspace=True)
    if not header and text.strip():
        try:
            cells = list(filter(any, csv.reader(io.StringIO(text), delimiter=mark, skipinitialspace=True)))
        except csv.Error as error:
            raise InvalidInput(f"{path} is not CSV: {error}") from error
        columns = columns_without_header(cells, path, mark)
        remark = f"{path} has no header: its columns are read as {', '.join(columns)}"
        return list(rows_below(reader, columns, path, REQUIRED)), [remark]
    names = columns_of(header, str(path))
    while header and not any(cell.strip() for cell in next(reader)):
        pass
    columns = [names.get(name, name) for name in header]
    left_out = [name for name in header if name not in names]
    rows = [_of_known_columns(row, mark) for row in rows_below(reader, columns, path, REQUIRED)]
    return rows, _remarks(left_out, has_groups="group" in columns)


def has_known_header(path: Path) -> bool:
    """Whether the first line of a file names the columns of path and label."""
    _, header = find_columns(_without_preamble(read_text(path)))
    return are_columns(header)


def json_lines(path: Path) -> tuple[list[CsvRow], list[str]]:
    """The rows of a JSONL file by our columns, and remarks."""
    entries = []
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        try:
            entries.append((json.loads(line), where))
        except (json.JSONDecodeError, RecursionError) as error:
            raise InvalidInput(
                f"{where} is not JSON: {getattr(error, 'msg', 'too many brackets')}"
            ) from error
    return _json_rows(entries)


def json_entries(path: Path) -> tuple[list[CsvRow], list[str]]:
    """The rows of a JSON list of objects by our columns, and remarks."""
    entries = load_entries(path) or []
    return _json_rows([(entry, f"{path}, entry {number}") for number, entry in enumerate(entries, start=1)])


def load_entries(path: Path) -> list[object] | None:
    """The content of a JSON file if it is a list of objects."""
    try:
        content = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError):
        return None
    return (
        content if isinstance(content, list) and any(isinstance(entry, dict) for entry in content) else None
    )


def _json_rows(entries: Sequence[tuple[object, str]]) -> tuple[list[CsvRow], list[str]]:
    rows = []
    left_out: dict[str, None] = {}
    for content, where in entries:
        if not isinstance(content, dict):
            raise InvalidInput(f'{where} is not an object such as {{"path": "a.mp4", "label": "run"}}')
        content = {name: value for name, value in content.items() if value is not None}
        names = columns_of(list(content), where, unit="key")
        left_out |= dict.fromkeys(name for name in content if name not in names)
        rows.append(json_row({names[name]: value for name, value in content.items() if name in names}, where))
    return rows, _remarks(list(left_out), has_groups=any("group" in row.cells for row in rows))


def json_row(content: dict[str, object], where: str) -> CsvRow:
    """A row from values by our columns; a label may be a list."""
    labels = content["label"] if isinstance(content["label"], list) else [content["label"]]
    for value in (*labels, *(value for name, value in content.items() if name != "label")):
        if isinstance(value, list | dict):
            raise InvalidInput(f"{where}: {json.dumps(value)[:40]} is not a text or a number")
    first, *more = [str(label).strip() for label in labels] or [""]
    cells = {name: str(value) for name, value in content.items()} | {"label": first}
    if missing := next((name for name in REQUIRED if not cells[name]), None):
        raise InvalidInput(f"{where} has no {missing}: fill it in, or delete the line")
    return CsvRow(cells, where, tuple(more))


def _of_known_columns(row: CsvRow, mark: str) -> CsvRow:
    """The row without other columns, its times with decimal points.

    Programs put `;` between cells where numbers have decimal commas.
    """
    cells = {name: cell for name, cell in row.cells.items() if name in COLUMNS}
    if mark == ";":
        cells |= {name: cells[name].replace(",", ".") for name in TIMES if name in cells}
    return CsvRow(cells, row.where)


def _remarks(left_out: Sequence[str], *, has_groups: bool) -> list[str]:
    named = [name for name in left_out if name]  # pandas writes its index without a name
    who = "" if has_groups else next(filter(says_who, named), "")
    advice = f"; call {who} group to keep the videos of each together in one split" if who else ""
    return [f"left out the columns {', '.join(named)}{advice}"] if named else []


def _without_preamble(text: str) -> str:
    """The text with blank lines for the comments above a table, and for Excel's line about its separator."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if line.startswith("#") or line.casefold().startswith("sep="):
            lines[place] = ""
        elif line.strip():
            break
    return "\n".join(lines)
