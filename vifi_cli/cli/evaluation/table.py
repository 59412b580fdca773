"""Shows a table of results: with intervals, the best of each column bold on a terminal, plain lines in a pipe."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.evaluation.report.table import ResultRow, ResultTable

GAP = 2


def show_table(table: ResultTable, *, first: str = "Method") -> None:
    """Shows the rows; on a narrow terminal, intervals are below their values."""
    from vifi_cli.evaluation.report.table import best_values, estimate_text

    best = best_values(table)
    texts = [[*map(estimate_text, row.estimates)] for row in table.rows]
    labels = [row.method + (" (published)" if row.source == "published" else "") for row in table.rows]
    width = _width(
        [[first, *table.columns], *([label, *said] for label, said in zip(labels, texts, strict=True))]
    )
    breaks = output.stdout_is_terminal() and width > shutil.get_terminal_size().columns
    cells: list[list[str | Text]] = []
    for label, row, said in zip(labels, table.rows, texts, strict=True):
        figures = [
            Text(text.replace(" [", "\n[") if breaks else text, style=_style(row, place, best))
            for place, text in enumerate(said)
        ]
        cells.append([label, *figures])
    output.rows((first, *table.columns), cells, right=table.columns)


def _style(row: ResultRow, place: int, best: Sequence[float | None]) -> str:
    estimate = row.estimates[place]
    if row.source == "published":
        return "dim"
    return "bold" if estimate and estimate.value == best[place] else ""


def _width(lines: Sequence[Sequence[str]]) -> int:
    columns = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return sum(columns) + GAP * (len(columns) - 1)
