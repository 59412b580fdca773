"""Writes tables of videos."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from vifi_cli.data.formats.tables.columns import COLUMNS, OPTIONAL


def write_table(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Writes rows of `COLUMNS` as CSV, without the optional columns that are empty in all rows, except split."""
    columns = [name for name in COLUMNS if name not in OPTIONAL[1:] or any(row.get(name) for row in rows)]
    with path.open("w", encoding="utf-8", newline="", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
