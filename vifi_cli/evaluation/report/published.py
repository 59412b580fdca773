"""The published results of the ViFi-CLIP paper, for comparison.

`published.csv` has them in percent, with ViT-B/16, each with its source: the paper's README or project page, or a later
work that quotes it. Numbers of the paper that none of these gives are left out.
"""

import csv
from importlib import resources
from itertools import zip_longest

from vifi_cli.evaluation.report.table import ResultRow, ResultTable
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate

COLUMNS = {
    "zero-shot": ("mean",),
    "base2novel": ("base", "novel", "HM"),
    "few-shot": ("2 shots", "4 shots", "8 shots", "16 shots"),
    "supervised": ("top-1", "top-5"),
}


def published_rows(setting: str, data: str) -> ResultTable | None:
    """The paper's rows for a public set; None if it has none.

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
    estimates = tuple(Estimate(value, spread=spread) for value, spread in zip_longest(values, spreads))
    return ResultRow(cells["method"], estimates, "published", cells["source"])
