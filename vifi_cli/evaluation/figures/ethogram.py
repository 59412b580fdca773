"""An ethogram: when a video shows which label, a lane for each label over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from vifi_cli.evaluation.figures.charts import LINE, chart_style, figure_png
from vifi_cli.evaluation.figures.lettering import lettered, shortened
from vifi_cli.evaluation.figures.style import COLORS
from vifi_cli.wording import clock

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_INCHES, LANE_INCHES, FRAME_INCHES = 10.0, 0.32, 0.95
LANE_HEIGHT = 0.7
LONGEST_NAME, LONGEST_TITLE = 32, 80
MOST_TICKS = 9
TICK_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
THINNEST_SHARE = 0.0015  # of the width: what is shorter would not be seen


@dataclass(frozen=True, slots=True)
class Lane:
    """A label, when it is shown, and what is written beside it."""

    name: str
    spans: tuple[tuple[float, float], ...]  # start and end in seconds
    note: str


def ethogram(title: str, duration_seconds: float, lanes: Sequence[Lane], form: str) -> bytes:
    """The picture as PNG, or as SVG if `form` is `svg`."""
    with chart_style([title, *(lane.name for lane in lanes)]):
        figure = ethogram_figure(title, duration_seconds, lanes)
        if form == "png":
            return figure_png(figure)
        from matplotlib import rc_context

        stream = BytesIO()
        with rc_context({"svg.hashsalt": "vifi"}):  # the same figure gives the same bytes
            figure.savefig(stream, format="svg", metadata={"Date": None})
        return stream.getvalue()


def ethogram_figure(title: str, duration_seconds: float, lanes: Sequence[Lane]) -> "Figure":
    """The chart, first label on top."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    figure = Figure((WIDTH_INCHES, FRAME_INCHES + LANE_INCHES * len(lanes)), layout="constrained")
    axes = figure.subplots()
    end = max([duration_seconds, *(stop for lane in lanes for _, stop in lane.spans)]) or 1.0
    thinnest = THINNEST_SHARE * end
    for place, lane in enumerate(lanes):
        axes.barh(place, end, LANE_HEIGHT, color=LINE, alpha=0.45)
        bars = [(start, max(stop - start, thinnest)) for start, stop in lane.spans]
        axes.broken_barh(bars, (place - LANE_HEIGHT / 2, LANE_HEIGHT), facecolors=COLORS[place % len(COLORS)])
    names = [shortened(lettered(lane.name), LONGEST_NAME) for lane in lanes]
    axes.set_yticks(range(len(lanes)), names)
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.set_xlim(0, end)
    axes.set_title(shortened(lettered(title), LONGEST_TITLE, keeps_end=True))
    step = next((step for step in TICK_SECONDS if end / step <= MOST_TICKS), end / MOST_TICKS)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    notes = axes.secondary_yaxis("right")
    notes.set_yticks(range(len(lanes)), [lane.note for lane in lanes])
    notes.tick_params(axis="y", length=0, labelsize=9)
    notes.spines["right"].set_visible(False)
    return figure
