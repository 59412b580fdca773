"""The table of a report, measured and published rows, as text and as HTML."""

import csv
import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from itertools import zip_longest
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from vifi_cli.evaluation.moments.scoring import MAIN_MEASURE, MINOR_MEASURES
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.evaluation.testing.views import ScoreConditions

TRAIN_MINUTES = "train min"
PUBLISHED_COLUMNS = {
    "zero-shot": ("mean",),
    "base2novel": ("base", "novel", "HM"),
    "few-shot": ("2 shots", "4 shots", "8 shots", "16 shots"),
    "supervised": ("top-1", "top-5"),
}
MINOR_COLUMNS = ("macro F1", "ECE", *MINOR_MEASURES)
"""What charts leave out, and narrow terminals."""


@dataclass(frozen=True, slots=True)
class TrainTime:
    """How long a method trained, wall time, and on what, such as `1 x cpu`; `seconds` is None if it is not known."""

    seconds: float | None
    device: str

    def __str__(self) -> str:
        return "–" if self.seconds is None else f"{self.seconds / 60:.1f}"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The results of one method: an estimate per column, or None.

    `remark` is a note for the reader, such as where a published row comes from. `conditions` says how videos were
    tested, if they were. `trained` is the time of all trainings of the method, if it was trained here, and
    `test_seconds` the wall time of its tests.
    """

    method: str
    estimates: tuple[Estimate | None, ...]
    source: Literal["measured", "published"] = "measured"
    remark: str = ""
    conditions: ScoreConditions | None = None
    trained: TrainTime | None = None
    test_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Methods side by side, one column per measure."""

    columns: tuple[str, ...]
    rows: tuple[ResultRow, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.estimates) != len(self.columns):
                raise ValueError(
                    f"{row.method}: {len(row.estimates)} figures for {len(self.columns)} columns"
                )

    def without(self, columns: Container[str]) -> "ResultTable":
        """The table without some of its columns."""
        places = [place for place, name in enumerate(self.columns) if name not in columns]
        rows = (replace(row, estimates=tuple(row.estimates[place] for place in places)) for row in self.rows)
        return ResultTable(tuple(self.columns[place] for place in places), tuple(rows))


def condition_columns(table: ResultTable) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """How the videos of each row were tested: names of columns, and a cell per row and column.

    After a training, they end with its minutes. There are none where nothing was tested, as in retrieval.
    """
    if not any(row.conditions for row in table.rows):
        return (), [() for _ in table.rows]
    cells: list[tuple[str, ...]] = [
        (f"{row.conditions.frames}", str(row.conditions.views)) if row.conditions else ("–", "–")
        for row in table.rows
    ]
    if not any(row.trained for row in table.rows):
        return ("frames", "views"), cells
    minutes = [str(row.trained or "–") for row in table.rows]
    return ("frames", "views", TRAIN_MINUTES), [
        (*cell, each) for cell, each in zip(cells, minutes, strict=True)
    ]


def estimate_text(estimate: Estimate | None) -> str:
    """A share in percent, such as `73.8 [70.1, 77.2]` or `51.3 ± 0.6`; a rank as it is; `–` for None."""
    if estimate is None:
        return "–"
    scale = _scale(estimate)
    text = f"{scale * estimate.value:.1f}"
    if estimate.spread is not None:
        text += f" ± {scale * estimate.spread:.1f}"
    if estimate.low is not None and estimate.high is not None:
        text += f" [{scale * estimate.low:.1f}, {scale * estimate.high:.1f}]"
    return text


def percent_text(share: float) -> str:
    """A share without an interval: `73.8`."""
    return estimate_text(Estimate(share))


def best_places(table: ResultTable) -> tuple[tuple[bool, ...], ...]:
    """Whether a measured value is the best of its column, for each row and column: of ranks and errors the lowest.

    Values that look the same are the same. Where all are, none is the best.
    """
    measured = [row.estimates for row in table.rows if row.source == "measured"]
    columns = [_best([row[place] for row in measured]) for place in range(len(table.columns))]
    return tuple(
        tuple(
            row.source == "measured" and estimate is not None and _value_shown(estimate) == best
            for estimate, best in zip(row.estimates, columns, strict=True)
        )
        for row in table.rows
    )


def _best(estimates: Sequence[Estimate | None]) -> float | None:
    """The best value as it is shown; None where it is not better than another."""
    known = [estimate for estimate in estimates if estimate and math.isfinite(estimate.value)]
    values = sorted(map(_value_shown, known), reverse=bool(known) and known[0].unit == "share")
    return values[0] if values and values[0] != values[-1] else None


def _value_shown(estimate: Estimate) -> float:
    return round(estimate.value * _scale(estimate), 1)


def _scale(estimate: Estimate) -> int:
    return 1 if estimate.unit == "rank" else 100


@dataclass(frozen=True, slots=True)
class Headline:
    """The result in a sentence: text, the method, text."""

    before: str
    method: str
    after: str


def headline(table: ResultTable) -> Headline | None:
    """The best measured method by the HM of a table, its mean or R1@0.5, or else its first column; None if nothing is.

    Equally good methods are all named.
    """
    columns = [
        column for column in table.columns if column in ("HM", "mean", MAIN_MEASURE) or column.endswith(" HM")
    ]
    column = next(iter(columns), table.columns[0])
    place = table.columns.index(column)
    measured = [
        (estimate, row.method)
        for row in table.rows
        if row.source == "measured" and (estimate := row.estimates[place]) and math.isfinite(estimate.value)
    ]
    if not measured:
        return None
    choose = max if measured[0][0].unit == "share" else min
    best, _ = choose(measured, key=lambda each: each[0].value)
    *others, last = [method for estimate, method in measured if _value_shown(estimate) == _value_shown(best)]
    percent = "" if best.unit == "rank" else " %"
    before = f"Best {column} of {len(measured)}:" if len(others) + 1 < len(measured) else ""
    method = f"{', '.join(others)} and {last} alike" if others else last
    return Headline(before, method, f", {column} {estimate_text(best)}{percent}")


def legend(table: ResultTable) -> str:
    """What the numbers of a table mean."""
    estimates = [estimate for row in table.rows for estimate in row.estimates if estimate]
    unit = "Percent, except for ranks" if any(one.unit == "rank" for one in estimates) else "Percent"
    spread = "; ± is the standard deviation over splits or seeds"
    has_spread = any(one.spread is not None for one in estimates)
    error = "; ECE is the expected calibration error, the lower the better"
    has_error = any(one.unit == "error" for one in estimates)
    return f"{unit}; 95 % intervals in brackets{spread if has_spread else ''}{error if has_error else ''}."


def shown(text: str) -> str:
    """Text that can be written and displayed: a mark replaces invisible characters and bytes that are not UTF-8."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def templates(package: str) -> Environment:
    """The templates in a package's folder `templates`: values in HTML are escaped, and a missing value is an error."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(("html.jinja",)),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"shown": shown, "estimate": estimate_text}
    return environment


def table_html(table: ResultTable, title: str = "", stamps: Sequence[str] = ()) -> str:
    """The `<table>` element, the best measured values in bold; title and stamps become its caption."""
    template = templates("vifi_cli.evaluation.report").get_template("table.html.jinja")
    return template.render(
        table=table, title=title, stamps=stamps, best=best_places(table), conditions=condition_columns(table)
    )


def published_rows(setting: str, data: str) -> ResultTable | None:
    """The paper's rows for a setting and a public set, such as `few-shot` and `ucf101`; None if it has none.

    `published.csv` has them in percent, with ViT-B/16, each with its source: the paper's README or project page, or a
    later work that quotes it. It omits numbers of the paper that none of these gives.
    """
    with (resources.files("vifi_cli.evaluation.report") / "published.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (row["setting"], row["data"]) == (setting, data)]
    return ResultTable(PUBLISHED_COLUMNS[setting], tuple(map(_published_row, rows))) if rows else None


def _published_row(cells: dict[str, str]) -> ResultRow:
    values = [float(value) / 100 for value in cells["figures"].split()]
    spreads = [float(spread) / 100 for spread in cells["spreads"].split()]
    estimates = tuple(Estimate(value, spread=spread) for value, spread in zip_longest(values, spreads))
    return ResultRow(cells["method"], estimates, "published", cells["source"])
