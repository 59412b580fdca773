"""The figures of the ViFi-CLIP paper, to stand beside measured ones.

`published.csv` has them in percent, by ViT-B/16, each with where it was read: the paper's README or project page, or
a later work that quotes it. Figures of the paper that could not be read there are left out.
"""

import csv
from importlib import resources
from itertools import zip_longest

from vifi_cli.evaluation.report.report import ResultRow, ResultTable
from vifi_cli.evaluation.scoring.scores import Figure

COLUMNS = {
    "zero-shot": ("mean",),
    "base2novel": ("base", "novel", "HM"),
    "few-shot": ("2 shots", "4 shots", "8 shots", "16 shots"),
    "supervised": ("top-1", "top-5"),
}


def published_rows(setting: str, data: str) -> ResultTable | None:
    """The paper's rows for a public set; None where it has none.

    Args:
        setting: `zero-shot`, `base2novel`, `few-shot` or `supervised`.
        data: `hmdb51`, `ucf101`, `k400`, `k600` or `ssv2`.
    """
    with (resources.files("vifi_cli.evaluation.report") / "published.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (row["setting"], row["data"]) == (setting, data)]
    return ResultTable(COLUMNS[setting], tuple(map(_row, rows))) if rows else None


def _row(cells: dict[str, str]) -> ResultRow:
    values = [float(value) / 100 for value in cells["figures"].split()]
    spreads = [float(spread) / 100 for spread in cells["spreads"].split()]
    figures = tuple(Figure(value, spread=spread) for value, spread in zip_longest(values, spreads))
    return ResultRow(cells["method"], figures, "published", cells["source"])
