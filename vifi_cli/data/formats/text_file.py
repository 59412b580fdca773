"""Reads the text files that users bring: UTF-8 with or without BOM, any line ends."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The stripped cells of a CSV row by column, and the file and line for messages."""

    cells: dict[str, str]
    where: str


def read_text(path: Path) -> str:
    """The content of a text file.

    Raises:
        InvalidInput: it cannot be read, or is not UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or 'cannot be read'}") from error


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """The stripped lines of a text file that are not blank, with their numbers from 1."""
    lines = enumerate(read_text(path).split("\n"), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def read_csv(path: Path, required: Sequence[str], optional: Sequence[str] | None = None) -> Iterator[CsvRow]:
    """The rows of a CSV file with a header.

    Cells of `required` columns must not be empty. Columns that are neither required nor `optional` are an error; None
    ignores them.

    Raises:
        InvalidInput: a column is missing, unknown or there twice, or a row has too few, too many or empty cells.
    """
    reader = csv.reader(io.StringIO(read_text(path)), skipinitialspace=True)
    header = [cell.strip().lower() for cell in next(reader, [])]
    _check_header(header, path, required, optional)
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}, line {reader.line_num}"
        if len(cells) != len(header):
            raise InvalidInput(
                f"{where} has {len(cells)} cells, the header {len(header)}: quote cells with commas"
            )
        row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        if empty := next((name for name in required if not row[name]), None):
            raise InvalidInput(f"{where} has no {empty}: fill it in, or delete the line")
        yield CsvRow(row, where)


def _check_header(
    header: Sequence[str], path: Path, required: Sequence[str], optional: Sequence[str] | None
) -> None:
    known = None if optional is None else (*required, *optional)
    wanted = f"write {','.join(required)} in the first line"
    if optional:
        wanted += f", and {' and '.join(optional)} if you like"
    if unknown := next((name for name in header if known is not None and name not in known), None):
        raise InvalidInput(f"{path}: unknown column {unknown!r}; {wanted}")
    if missing := next((name for name in required if name not in header), None):
        raise InvalidInput(f"{path} has no column {missing!r}; {wanted}")
    if twice := next((name for name in known or required if header.count(name) > 1), None):
        raise InvalidInput(f"{path}: the column {twice!r} is twice in its first line; delete one")
