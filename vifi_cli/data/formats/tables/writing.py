"""Writes tables of videos."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from vifi_cli.data.formats.tables.columns import COLUMNS, OPTIONAL

JSON_LINES = ".jsonl"
Row = Mapping[str, str | tuple[str, ...]]
"""The cells of a row by column; several labels are a tuple."""


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Writes rows of `COLUMNS` with a label each, without the optional columns that are empty in all, except split."""
    columns = [name for name in COLUMNS if name not in OPTIONAL[1:] or any(row.get(name) for row in rows)]
    with path.open("w", encoding="utf-8", newline="", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_json_lines(path: Path, rows: Sequence[Row]) -> None:
    """Writes an object for each row, without its empty cells."""
    lines = (json.dumps({name: cell for name, cell in row.items() if cell}) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
