"""Reads the text files that users bring: UTF-8 with or without BOM, or UTF-16 with one, and any line ends."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    import _csv


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The stripped cells of a row by column, and the file and line for messages."""

    cells: dict[str, str]
    where: str
    more_labels: tuple[str, ...] = ()  # of a JSONL row whose label is a list, those after the first


def read_text(path: Path) -> str:
    """The content of a text file.

    Raises:
        InvalidInput: it cannot be read, or is neither UTF-8 nor marked UTF-16 text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or 'cannot be read'}") from error
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"{path}, line {line} is not UTF-8 text: save the file as UTF-8") from error
    if "\0" in text:
        raise InvalidInput(f"{path} is not UTF-8 text: save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """The stripped lines of a text file that are not blank, with their numbers from 1."""
    lines = enumerate(read_text(path).split("\n"), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def read_csv(path: Path, required: Sequence[str], may_be_empty: Sequence[str] = ()) -> Iterator[CsvRow]:
    """The rows of a CSV file with a header; cells of `required` columns must not be empty unless they `may_be_empty`.

    Cells may have `;` or TAB between them if that makes all required columns.

    Raises:
        InvalidInput: a column is missing or there twice, or a row has too few, too many or empty cells.
    """
    text = read_text(path)
    for mark in ";\t,":  # a comma last, for the message
        reader = csv.reader(io.StringIO(text), delimiter=mark, skipinitialspace=True)
        header = [cell.strip().lower() for cell in next(reader, [])]
        if set(required) <= set(header):
            break
    if missing := next((name for name in required if name not in header), None):
        wanted = f"write {','.join(required)} in the first line"
        raise InvalidInput(f"{path} has no column {missing!r}; {wanted}")
    if twice := next((name for name in required if header.count(name) > 1), None):
        raise InvalidInput(f"{path}: the column {twice!r} is twice in its first line; delete one")
    yield from rows_below(reader, header, path, [name for name in required if name not in may_be_empty])


def rows_below(
    reader: "_csv.Reader", header: Sequence[str], path: Path, required: Sequence[str]
) -> Iterator[CsvRow]:
    """The rows that a CSV reader gives below a header; cells of the `required` columns must not be empty.

    Raises:
        InvalidInput: a row has too few, too many or empty cells, or is not CSV.
    """
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(
                    cells, header, f"{path}, line {reader.line_num}", required, reader.dialect.delimiter
                )
    except csv.Error as error:
        raise InvalidInput(f"{path}, line {reader.line_num + 1} is not CSV: {error}") from error


def _row(
    cells: Sequence[str], header: Sequence[str], where: str, required: Sequence[str], mark: str
) -> CsvRow:
    if len(cells) != len(header):
        what = {",": "commas", ";": "semicolons", "\t": "tabs"}.get(mark, mark)
        raise InvalidInput(
            f"{where} has {len(cells)} cells, the header {len(header)}: quote cells with {what}"
        )
    row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    if empty := next((name for name in required if not row[name]), None):
        raise InvalidInput(f"{where} has no {empty}: fill it in, or delete the line")
    return CsvRow(row, where)
