"""The table of a report: one row per method, one column per measure, and how its values are written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vifi_cli.evaluation.scoring.confidence_intervals import Estimate


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The results of one method.

    Attributes:
        method: its name.
        estimates: one per column; None where there is none.
        source: `measured` here, or `published` elsewhere.
        remark: a note for the reader, such as where a published row comes from.
    """

    method: str
    estimates: tuple[Estimate | None, ...]
    source: Literal["measured", "published"] = "measured"
    remark: str = ""


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Methods side by side: the names of the measures, and a row per method."""

    columns: tuple[str, ...]
    rows: tuple[ResultRow, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.estimates) != len(self.columns):
                raise ValueError(
                    f"{row.method}: {len(row.estimates)} figures for {len(self.columns)} columns"
                )


def estimate_text(estimate: Estimate | None) -> str:
    """A share in percent, such as `73.8 [70.1, 77.2]` or `51.3 ± 0.6`; a rank as it is; `–` for None."""
    if estimate is None:
        return "–"
    scale = 100 if estimate.unit == "share" else 1
    text = f"{scale * estimate.value:.1f}"
    if estimate.spread is not None:
        text += f" ± {scale * estimate.spread:.1f}"
    if estimate.low is not None and estimate.high is not None:
        text += f" [{scale * estimate.low:.1f}, {scale * estimate.high:.1f}]"
    return text


def percent_text(share: float) -> str:
    """A share without an interval: `73.8`."""
    return estimate_text(Estimate(share))


def best_values(table: ResultTable) -> tuple[float | None, ...]:
    """The best measured value of each column with two or more measured values; the lowest rank is the best."""
    measured = [row.estimates for row in table.rows if row.source == "measured"]
    return tuple(_best([row[place] for row in measured]) for place in range(len(table.columns)))


def _best(estimates: Sequence[Estimate | None]) -> float | None:
    known = [estimate for estimate in estimates if estimate]
    if len(known) < 2:
        return None
    choose = min if known[0].unit == "rank" else max
    return choose(estimate.value for estimate in known)


def shown(text: str) -> str:
    """Text that can be written and displayed: a mark replaces invisible characters and bytes that are not UTF-8."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
