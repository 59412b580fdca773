"""Curves of runs: loss, accuracy and learning rate over epochs, as a picture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vifi_cli.evaluation.figures.charts import PALE, chart_style, figure_png
from vifi_cli.evaluation.figures.lettering import lettered, shortened
from vifi_cli.evaluation.figures.style import COLORS
from vifi_cli.paths import write_file
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.run.reports import EpochReport, Scores
from vifi_cli.wording import counted, scientific

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES, PANEL_INCHES, LEGEND_LINE_INCHES = 12.5, 3.4, 0.26
MOST_EPOCH_TICKS = 8
EDGE = 0.025  # share of the epochs that is empty on both sides
FAINT = 0.3  # opacity of the loss of single steps
RING: Mapping[str, Any] = {"marker": "o", "markersize": 10, "markerfacecolor": "none", "linestyle": "none"}
LONGEST_NAME = 90
MOST_RUNS = len(COLORS)


@dataclass(frozen=True, slots=True)
class RunCurves:
    """The history of a run; `epochs` is how many it will have when it is done."""

    name: str
    epochs: int
    steps: Sequence[StepReport] = field(repr=False)
    reports: Sequence[EpochReport] = field(repr=False)

    @property
    def scored(self) -> list[tuple[int, Scores]]:
        """The epochs that were validated, with their scores."""
        return [(report.epoch, report.scores) for report in self.reports if report.scores]

    @property
    def has_top5(self) -> bool:
        """Whether top-5 says anything about its classes."""
        return any(scores.top5 is not None for _, scores in self.scored)

    @property
    def best_epoch(self) -> int | None:
        """The epoch that `best/` comes from."""
        return max((report.epoch for report in self.reports if report.is_best), default=None)


def draw_curves(path: Path, runs: Sequence[RunCurves]) -> None:
    """Draws the curves of one run, or of several in a color each, as PNG."""
    with chart_style(run.name for run in runs):
        write_file(path, figure_png(curves_figure(runs)))


def curves_figure(runs: Sequence[RunCurves]) -> "Figure":
    """A panel each for loss, accuracy and learning rate over the same epochs, with one legend below.

    Loss and rate start at 0 and accuracy goes from 0 to 100 %, so that pictures of different runs can be compared.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    height = PANEL_INCHES + LEGEND_LINE_INCHES * (1 + (len(runs) if len(runs) > 1 else 0))
    figure = Figure((WIDTH_INCHES, height), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    for run, color in zip(runs, COLORS, strict=False):
        _draw_loss(loss, run, color)
        _draw_accuracy(accuracy, run, color)
        rate.plot(_places(run.steps), [step.learning_rate for step in run.steps], color=color)
    rate.yaxis.set_major_formatter(FuncFormatter(lambda value, _: scientific(value)))
    loss.set(title="Training loss", ylim=(0, None))
    accuracy.set(title=_accuracy_title(runs), ylim=(0, 102), yticks=range(0, 101, 20))
    accuracy.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    rate.set(title="Learning rate", ylim=(0, None))
    for axes in (loss, accuracy, rate):
        _count_epochs(axes, max((run.epochs for run in runs), default=1))
    if not any(run.scored for run in runs):
        accuracy.text(0.5, 0.5, "no held-out videos", transform=accuracy.transAxes, ha="center", color=PALE)
    _add_legends(figure, runs)
    return figure


def _draw_loss(axes: "Axes", run: RunCurves, color: str) -> None:
    axes.plot(_places(run.steps), [step.loss for step in run.steps], color=color, alpha=FAINT, linewidth=1)
    means = [(report.epoch, report.loss) for report in run.reports if report.loss is not None]
    axes.plot([epoch for epoch, _ in means], [loss for _, loss in means], color=color, marker=".")


def _draw_accuracy(axes: "Axes", run: RunCurves, color: str) -> None:
    epochs = [epoch for epoch, _ in run.scored]
    axes.plot(epochs, [100 * scores.value for _, scores in run.scored], color=color, marker="o", markersize=4)
    if run.has_top5:
        axes.plot(epochs, [100 * (scores.top5 or 0) for _, scores in run.scored], color=color, linestyle=":")
    kept = [(epoch, 100 * scores.value) for epoch, scores in run.scored if epoch == run.best_epoch]
    for line in axes.plot([epoch for epoch, _ in kept], [value for _, value in kept], color=color):
        line.set(**RING)


def _places(steps: Iterable[StepReport]) -> list[float]:
    """The epochs at which steps end: 1.5 in the middle of the second."""
    return [step.epoch + (step.step + 1) / step.steps_per_epoch for step in steps]


def _accuracy_title(runs: Sequence[RunCurves]) -> str:
    tested = {(scores.split, scores.videos) for run in runs for _, scores in run.scored}
    if len(tested) != 1:
        return "Accuracy" if len(runs) == 1 else "Accuracy, each run on its own videos"
    ((split, videos),) = tested
    return f"Accuracy, {counted(videos, f'{split} video')}"


def _measures(runs: Sequence[RunCurves]) -> list[str]:
    """The scores that are drawn: top-1, or mAP of videos that show several classes."""
    return sorted({scores.measure for run in runs for _, scores in run.scored}) or ["top-1"]


def _count_epochs(axes: "Axes", epochs: int) -> None:
    from matplotlib.ticker import MaxNLocator

    room = EDGE * max(epochs, 1)  # for the marks of the first and the last epoch
    axes.set(xlabel="epoch", xlim=(-room, max(epochs, 1) + room))
    axes.xaxis.set_major_locator(MaxNLocator(MOST_EPOCH_TICKS, integer=True, steps=[1, 2, 5, 10]))


def _add_legends(figure: "Figure", runs: Sequence[RunCurves]) -> None:
    """Below the panels: what the lines mean, and with several runs which color is which."""
    from matplotlib.lines import Line2D

    color = COLORS[0] if len(runs) == 1 else PALE
    meanings: dict[str, Line2D] = {
        "loss of each step": Line2D([], [], color=color, alpha=FAINT, linewidth=1),
        "mean of an epoch": Line2D([], [], color=color, marker="."),
        " or ".join(_measures(runs)): Line2D([], [], color=color, marker="o", markersize=4),
        "top-5": Line2D([], [], color=color, linestyle=":"),
        "kept in best/": Line2D([], [], color=color, **RING),
    }
    if not any(run.has_top5 for run in runs):
        del meanings["top-5"]
    figure.legend(
        meanings.values(), meanings.keys(), loc="outside lower center", ncols=len(meanings), borderaxespad=0.2
    )
    if len(runs) > 1:
        names = [shortened(lettered(run.name), LONGEST_NAME, keeps_end=True) for run in runs]
        lines = [Line2D([], [], color=color, linewidth=3) for color in COLORS[: len(runs)]]
        figure.legend(lines, names, loc="outside upper left", ncols=1, borderaxespad=0.2)
