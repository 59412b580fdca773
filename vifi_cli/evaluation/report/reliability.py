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

    figure = Figure(FIGURE_INCHES, layout="constrained")
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    filled = [each for each in calibration.bins if each.videos]
    lows = [100 * each.low for each in filled]
    width = 100 / len(calibration.bins)
    upper.plot([0, 100], [0, 100], "--", color=PALE, linewidth=1, label="perfectly calibrated")
    accuracies = [100 * (each.accuracy or 0) for each in filled]
    upper.bar(lows, accuracies, width, align="edge", color=COLORS[0], edgecolor="white", label="accuracy")
    confidences = [100 * (each.confidence or 0) for each in filled]
    upper.plot(confidences, confidences, "o", color=COLORS[1], markersize=4, label="mean confidence")
    upper.set(ylabel="accuracy (%)", xlim=(0, 100), ylim=(0, 104), title=calibration_in_words(calibration))
    upper.legend(loc="upper left")
    counts = [each.videos for each in filled]
    bars = lower.bar(lows, counts, width, align="edge", color=PALE, edgecolor="white")
    lower.bar_label(bars, [f"{count:,}" for count in counts], fontsize=7)
    lower.set(ylabel="videos", xlabel="confidence (%)", ylim=(0, 1.3 * max(counts, default=1)))
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
