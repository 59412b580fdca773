"""Tables of results, on terminals of any width."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.evaluation.report.table import ResultTable

GAP = 2  # between the columns of a table


def show_table(table: ResultTable) -> None:
    """Shows the rows; on a narrow terminal, intervals are below their values, and minor columns in the report alone."""
    from vifi_cli.evaluation.report.table import MINOR_COLUMNS, best_places, condition_columns, estimate_text

    names, conditions = condition_columns(table)
    headers = ("Method", *names, *table.columns)
    texts = [
        [
            f"{row.method} (published)" if row.source == "published" else row.method,
            *tested_with,
            *map(estimate_text, row.estimates),
        ]
        for row, tested_with in zip(table.rows, conditions, strict=True)
    ]
    breaks = not fits([headers, *texts])
    if breaks:
        first = 1 + len(names)
        texts = [[*row[:first], *(text.replace(" [", "\n[") for text in row[first:])] for row in texts]
        minor = [name for name in table.columns if name in MINOR_COLUMNS]
        if minor and not fits([headers, *texts]):
            show_table(table.without(minor))
            others = f"{', '.join(minor[:-1])} and " if minor[1:] else ""
            output.note(f"{others}{minor[-1]}: see the report")
            return
    cells: list[list[str | Text]] = []
    for row, best, texts_of_row in zip(table.rows, best_places(table), texts, strict=True):
        tested_with, figures = texts_of_row[: 1 + len(names)], texts_of_row[1 + len(names) :]
        styles = ["dim" if row.source == "published" else "bold" if is_best else "" for is_best in best]
        cells.append([*tested_with, *map(Text, figures, styles)])
    output.rows(headers, cells, right=(*names, *table.columns))


def fits(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows fit the terminal side by side; always in a pipe."""
    widest = [
        max(len(line) for text in column for line in text.split("\n")) for column in zip(*rows, strict=True)
    ]
    width = sum(widest) + GAP * (len(widest) - 1)
    return not output.stdout_is_terminal() or width <= shutil.get_terminal_size().columns
