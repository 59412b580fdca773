"""Reads your own queries: a table with the columns file, query, start and end, as CSV or JSON."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from vifi_cli.data.formats.tables.columns import SYNONYMS
from vifi_cli.data.formats.tables.times import part_of
from vifi_cli.data.formats.text_file import CsvRow, read_text, rows_below
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.moments.queries import TABLE, MomentQueries, MomentQuery
from vifi_cli.evaluation.scoring.retrieval import remark_on_splits
from vifi_cli.video.moment import TimeRange

COLUMNS = ("file", "query", "start", "end")
WANTED = f"write {','.join(COLUMNS)} in the first line"
_NAMES = {
    "file": SYNONYMS["path"] | {"vid", "video_id"},
    "query": frozenset(("query", "caption", "sentence", "description", "text")),
    "start": SYNONYMS["start"],
    "end": SYNONYMS["end"],
    "split": SYNONYMS["split"],
}
"""What people call the columns."""


def read_table(path: Path) -> MomentQueries:
    """Reads a CSV file, with commas, semicolons or tabs between its cells.

    Rows with the same file and query are one query with several true windows.

    Raises:
        InvalidInput: a column or all rows are missing, a cell is empty, or an end is not after its start.
    """
    text = read_text(path)
    mark = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=mark, skipinitialspace=True)
    header = [cell.strip() for cell in next(reader, [])]
    names = _columns(header, str(path))
    rows = rows_below(reader, [names.get(name, name) for name in header], path, COLUMNS)
    return _queries(path, (_with_points(row) if mark == ";" else row for row in rows))


def read_objects(path: Path, entries: Iterable[tuple[dict[str, object], str]]) -> MomentQueries:
    """Reads JSON objects, each with where it is, in place of rows; errors are those of `read_table`."""
    return _queries(path, (_row(*entry) for entry in entries))


def _row(entry: dict[str, object], where: str) -> CsvRow:
    names = _columns(list(entry), where)
    cells = {
        names[key]: str(value).strip() for key, value in entry.items() if key in names and value is not None
    }
    if empty := next((name for name in COLUMNS if not cells.get(name)), None):
        raise InvalidInput(f"{where} has no {empty}: fill it in, or delete the line")
    return CsvRow(cells, where)


def _columns(header: Sequence[str], where: str) -> dict[str, str]:
    """From the names in a header to ours."""
    names: dict[str, str] = {}
    for column, known in _NAMES.items():
        plain = {name: name.lower().replace(" ", "_").replace("-", "_") for name in header}
        fitting = [name for name in header if plain[name] == column]
        fitting = fitting or [name for name in header if plain[name] in known]
        if not fitting and column in COLUMNS:
            raise InvalidInput(f"{where} has no column {column!r}; {WANTED}")
        if len(fitting) > 1:
            raise InvalidInput(f"{where}: {' and '.join(fitting)} may both be the {column}: delete one")
        names |= dict.fromkeys(fitting, column)
    return names


def _with_points(row: CsvRow) -> CsvRow:
    """The row with decimal points, where programs write decimal commas."""
    return CsvRow(
        row.cells | {name: row.cells[name].replace(",", ".") for name in ("start", "end")}, row.where
    )


def _queries(path: Path, rows: Iterable[CsvRow]) -> MomentQueries:
    windows: dict[tuple[str, str], dict[TimeRange, None]] = {}
    places: dict[tuple[str, str], str] = {}
    splits: list[tuple[str, str]] = []
    for row in rows:
        key = row.cells["file"], " ".join(row.cells["query"].split())
        windows.setdefault(key, {})[part_of(row)] = None
        places.setdefault(key, row.where)
        splits.append((row.cells["file"], row.cells.get("split", "")))
    queries = tuple(
        MomentQuery(number, text, file, tuple(of_it), places[file, text])
        for number, ((file, text), of_it) in enumerate(windows.items(), start=1)
    )
    return MomentQueries(path, TABLE, queries, remarks=tuple(remark_on_splits(splits)))
