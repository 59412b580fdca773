"""Reliability diagrams, accuracy against confidence: as a PNG, and as the bars that the page draws."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vifi_cli.evaluation.figures.charts import PALE, chart_style, figure_png
from vifi_cli.evaluation.figures.style import COLORS
from vifi_cli.evaluation.report.table import percent_text
from vifi_cli.evaluation.scoring.calibration import Calibration
from vifi_cli.wording import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE_INCHES = (5.2, 5.0)


def reliability_picture(calibration: Calibration) -> bytes:
    """Draws a reliability diagram as PNG."""
    with chart_style():
        return figure_png(reliability_figure(calibration))


def reliability_figure(calibration: Calibration) -> "Figure":
    """The accuracy of each bin, its mean confidence as a mark, and below them the number of its videos."""
    from matplotlib.figure import Figure

    figure = Figure(FIGURE_INCHES)
    # a layout found by matplotlib would take as long as all the rest
    figure.subplots_adjust(left=0.13, right=0.97, bottom=0.1, top=0.88, hspace=0.1)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    bars = reliability_bars(calibration)
    lows, width = [100 * bar.low for bar in bars], 100 / len(calibration.bins)
    look = {"width": width, "align": "edge", "edgecolor": "white"}
    upper.plot([0, 100], [0, 100], "--", color=PALE, linewidth=1, label="perfectly calibrated")
    upper.bar(lows, [100 * bar.accuracy for bar in bars], color=COLORS[0], label="accuracy", **look)
    sure = [100 * bar.confidence for bar in bars]
    upper.plot(sure, sure, "o", color=COLORS[1], markersize=4, label="mean confidence")
    upper.set(ylabel="accuracy (%)", xlim=(0, 100), ylim=(0, 104))
    figure.suptitle(calibration_in_words(calibration), x=0.13, ha="left", fontsize=11)
    figure.legend(loc="upper left", bbox_to_anchor=(0.1, 0.945), ncols=3, fontsize=8)
    drawn = lower.bar(lows, [bar.height for bar in bars], color=PALE, **look)
    lower.bar_label(drawn, [bar.count for bar in bars], fontsize=7)
    lower.set(ylabel="videos", xlabel="confidence (%)", ylim=(0, 1.3), yticks=[])
    return figure


def calibration_in_words(calibration: Calibration) -> str:
    """Such as `ECE 4.2 (a perfectly calibrated model would get 1.3)`."""
    error, perfect = map(percent_text, (calibration.error, calibration.of_calibrated))
    return f"ECE {error} (a perfectly calibrated model would get {perfect})"


@dataclass(frozen=True, slots=True)
class ReliabilityBar:
    """A bin for the page, with shares from 0 to 1; `height` is that of its videos, 1 for the most."""

    low: float
    high: float
    accuracy: float
    confidence: float
    height: float
    count: str
    words: str


def reliability_bars(calibration: Calibration) -> tuple[ReliabilityBar, ...]:
    """The bins that have videos."""
    most = max(each.videos for each in calibration.bins)
    bars = []
    for each in calibration.bins:
        if each.accuracy is None or each.confidence is None:
            continue
        words = (
            f"confidence {percent_text(each.low)} to {percent_text(each.high)} %: "
            f"{counted(each.videos, 'video')}, {percent_text(each.confidence)} % on average, "
            f"{percent_text(each.accuracy)} % correct"
        )
        count = f"{each.videos}" if each.videos < 10_000 else f"{each.videos // 1000}k"
        height = each.videos / most
        bars.append(ReliabilityBar(each.low, each.high, each.accuracy, each.confidence, height, count, words))
    return tuple(bars)
