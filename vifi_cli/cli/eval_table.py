"""Shows a table of results: with intervals, the best of each column bold on a terminal, plain lines in a pipe."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rich.text import Text

from vifi_cli.cli import output

if TYPE_CHECKING:
    from vifi_cli.evaluation.report import ResultRow, ResultTable
    from vifi_cli.evaluation.scores import Figure

GAP = 2


def show_table(table: ResultTable, *, first: str = "Method") -> None:
    """Show the rows; where the terminal is too narrow, intervals stand below their figures."""
    best = _best(table)
    texts = [[figure_text(figure) for figure in row.figures] for row in table.rows]
    labels = [_label(row) for row in table.rows]
    breaks = output.stdout_is_terminal() and _width(table, labels, texts) > shutil.get_terminal_size().columns
    cells: list[list[str | Text]] = []
    for label, row, said in zip(labels, table.rows, texts, strict=True):
        figures = [
            Text(text.replace(" [", "\n[") if breaks else text, style=_style(row, place, best))
            for place, text in enumerate(said)
        ]
        cells.append([label, *figures])
    output.rows((first, *table.columns), cells, right=table.columns)


def figure_text(figure: Figure | None) -> str:
    """A share in percent, with its deviation and its interval where it has them: `73.8 ± 1.2 [70.1, 77.2]`."""
    if figure is None:
        return "–"
    spread = "" if figure.spread is None else f" ± {100 * figure.spread:.1f}"
    known = figure.low is not None and figure.high is not None
    interval = f" [{100 * (figure.low or 0):.1f}, {100 * (figure.high or 0):.1f}]" if known else ""
    return f"{100 * figure.value:.1f}{spread}{interval}"


def _label(row: ResultRow) -> str:
    return f"{row.method} (published)" if row.source == "published" else row.method


def _best(table: ResultTable) -> list[float | None]:
    """Of each column the highest measured value, where there is something to compare it with."""
    measured = [row.figures for row in table.rows if row.source == "measured"]
    columns = [[figure.value for figure in column if figure] for column in zip(*measured, strict=True)]
    return [max(values) if len(values) > 1 else None for values in columns]


def _style(row: ResultRow, place: int, best: list[float | None]) -> str:
    if row.source == "published":
        return "dim"
    figure = row.figures[place]
    return "bold" if figure and figure.value == best[place] else ""


def _width(table: ResultTable, labels: list[str], texts: list[list[str]]) -> int:
    columns = [["Method", *labels]]
    columns += [[name, *(said[place] for said in texts)] for place, name in enumerate(table.columns)]
    return sum(max(map(len, column)) for column in columns) + GAP * (len(columns) - 1)
