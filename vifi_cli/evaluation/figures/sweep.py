"""Accuracy of mixtures of two models over alpha, as a chart."""

from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.evaluation.figures.charts import PALE, chart_style, figure_png
from vifi_cli.evaluation.figures.lettering import lettered, shortened
from vifi_cli.evaluation.testing.alpha_sweep import AlphaSweep
from vifi_cli.paths import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_INCHES, HEIGHT_INCHES, LEGEND_LINE_INCHES, LONGEST_NAME = 7.0, 4.0, 0.23, 70


def draw_sweep(path: Path, swept: AlphaSweep, chosen: float) -> None:
    """Draws accuracy over alpha, a curve for each dataset, and the chosen alpha, as a PNG."""
    with chart_style(part.name for part in swept.data):
        write_file(path, figure_png(sweep_figure(swept, chosen)))


def sweep_figure(swept: AlphaSweep, chosen: float) -> "Figure":
    """The chart; its legend is below."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    height = HEIGHT_INCHES + LEGEND_LINE_INCHES * (len(swept.data) + 2)
    figure = Figure((WIDTH_INCHES, height), layout="constrained")
    axes = figure.subplots()
    alphas = [point.alpha for point in swept.points]
    for place, part in enumerate(swept.data):
        name = shortened(lettered(part.name), LONGEST_NAME, keeps_end=True)
        axes.plot(alphas, [100 * point.top1[place] for point in swept.points], marker="o", label=name)
    if len(swept.data) > 1:
        axes.plot(
            alphas, [100 * point.mean for point in swept.points], color=PALE, linestyle="--", label="mean"
        )
    axes.axvline(chosen, color=PALE, zorder=0, linewidth=3, alpha=0.4, label=f"chosen: alpha {chosen:g}")
    axes.set(xlabel="alpha, the share of the tuned model", title=f"{swept.measure}, one view", ylim=(0, 102))
    axes.set(xlim=(-0.03, 1.03), xticks=[step / 5 for step in range(6)], yticks=range(0, 101, 20))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} %"))
    figure.legend(loc="outside lower left")
    return figure
