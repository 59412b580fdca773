"""The chart of mixtures of two models."""

from pathlib import Path

import pytest

from tests.drawn_figures import collisions
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.evaluation.figures.charts import chart_style
from vifi_cli.evaluation.figures.sweep import draw_sweep, sweep_figure
from vifi_cli.evaluation.testing.alpha_sweep import ALPHAS, AlphaSweep, SweepPoint

NAMES = ("走る_$new$", "/data/" + "folder/" * 20 + "old")
SWEPT = AlphaSweep(
    tuple(LabeledVideos(name, ("red", "blue")) for name in NAMES),
    tuple(SweepPoint(alpha, (alpha, 1 - alpha)) for alpha in ALPHAS),
)


def test_each_dataset_has_a_curve_and_the_chosen_alpha_a_line() -> None:
    with chart_style(NAMES):
        figure = sweep_figure(SWEPT, 0.5)
    (axes,) = figure.axes
    new, old, mean, chosen = axes.lines
    assert list(new.get_ydata()) == pytest.approx([100 * alpha for alpha in ALPHAS])
    assert list(old.get_ydata()) == pytest.approx([100 - 100 * alpha for alpha in ALPHAS])
    assert set(mean.get_ydata()) == {50}
    assert list(chosen.get_xdata()) == [0.5, 0.5]
    assert axes.get_ylim() == (0, 102)
    assert [text.get_text() for text in figure.legends[0].texts][2:] == ["mean", "chosen: alpha 0.5"]
    assert collisions(figure) == []
    assert repr(SWEPT).startswith("<AlphaSweep of 11 mixtures on")


def test_the_chart_is_a_picture(tmp_path: Path) -> None:
    draw_sweep(tmp_path / "sweep.png", SWEPT, 0.5)
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
