"""Models side by side, with their intervals: as a PNG, and as the rows that the page draws."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vifi_cli.evaluation.figures.charts import PALE, chart_style, figure_png
from vifi_cli.evaluation.figures.lettering import lettered, shortened
from vifi_cli.evaluation.figures.style import COLORS
from vifi_cli.evaluation.report.table import MINOR_COLUMNS, ResultTable, estimate_text, shown
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_NAME = 48
PANEL_INCHES, LETTER_INCHES, ROW_INCHES = 3.6, 0.085, 0.34
PUBLISHED_COLOR = PALE


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A method in one measure; `low` and `high` are the value where there is no interval."""

    method: str
    color: str
    is_published: bool
    value: float
    low: float
    high: float
    text: str


@dataclass(frozen=True, slots=True)
class ChartPanel:
    """A measure, such as top-1, with a row for each method that has it."""

    measure: str
    rows: tuple[ChartRow, ...]


def chart_panels(table: ResultTable) -> tuple[ChartPanel, ...]:
    """The main measures that are shares, from 0 to 1; a method has the same color in all of them."""
    panels = []
    for place, measure in enumerate(table.columns):
        if measure in MINOR_COLUMNS:
            continue
        rows = []
        for number, row in enumerate(table.rows):
            estimate = row.estimates[place]
            if estimate and estimate.unit == "share" and estimate.value == estimate.value:  # not NaN
                is_published = row.source == "published"
                color = PUBLISHED_COLOR if is_published else COLORS[number % len(COLORS)]
                rows.append(_row(shown(row.method), color, estimate, is_published=is_published))
        if rows:
            panels.append(ChartPanel(shown(measure), tuple(rows)))
    return tuple(panels)


def _row(method: str, color: str, estimate: Estimate, *, is_published: bool) -> ChartRow:
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return ChartRow(method, color, is_published, estimate.value, low, high, estimate_text(estimate))


def comparison_picture(table: ResultTable) -> bytes | None:
    """The chart as PNG; None if no measure is a share."""
    panels = chart_panels(table)
    if not panels:
        return None
    with chart_style(row.method for row in table.rows):
        return figure_png(comparison_figure(panels))


def comparison_figure(panels: tuple[ChartPanel, ...]) -> "Figure":
    """A panel for each measure, from 0 to 100 %: a point for each method, with its 95 % interval as a line."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    methods = list(dict.fromkeys(row.method for panel in panels for row in panel.rows))
    names = [shortened(lettered(method), LONGEST_NAME, keeps_end=True) for method in methods]
    width = PANEL_INCHES * len(panels) + LETTER_INCHES * max(map(len, names))
    figure = Figure((max(width, 6.0), 0.9 + ROW_INCHES * len(methods)))
    figure.set_layout_engine("constrained", w_pad=0.15)
    for axes, panel in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
    ):
        for row in panel.rows:
            place, face = methods.index(row.method), "white" if row.is_published else row.color
            axes.plot([100 * row.low, 100 * row.high], [place] * 2, color=row.color, linewidth=2.5, alpha=0.5)
            axes.plot([100 * row.value], [place], "o", color=row.color, markerfacecolor=face, markersize=7)
        axes.set(title=lettered(panel.measure), xlim=(-2, 102), xticks=range(0, 101, 25))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
        axes.set_yticks(range(len(methods)), names)
        axes.set_ylim(len(methods) - 0.4, -0.6)  # the first method is on top
    return figure
