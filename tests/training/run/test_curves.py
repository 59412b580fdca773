"""The curves of runs: one axis a panel, ticks at epochs, nothing on top of each other, one color a run."""

from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from tests.drawn_figures import collisions, drawn_texts
from vifi_cli.evaluation.figures.charts import chart_style
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.run.curves import RunCurves, curves_figure, draw_curves
from vifi_cli.training.run.reports import EpochReport, Scores

STEPS = 3


def run_of(
    name: str, planned: int, done: int | None = None, *, rate: float = 1e-4, split: str = "test"
) -> RunCurves:
    """A run that learns evenly; `best/` comes from its last epoch."""
    done = planned if done is None else done
    steps = [
        StepReport(epoch, step, STEPS, planned, 3 - (epoch * STEPS + step) / 100, rate, 8)
        for epoch in range(done)
        for step in range(STEPS)
    ]
    reports = [
        EpochReport(epoch, 2.9 if epoch else None, Scores(split, epoch / 100, 0.5, 30), is_best=epoch == done)
        for epoch in range(done + 1)
    ]
    return RunCurves(name, planned, steps, reports)


def drawn(*runs: RunCurves) -> Figure:
    with chart_style(run.name for run in runs):
        return curves_figure(runs)


def ticks(axes: Axes) -> list[float]:
    low, high = axes.get_xlim()
    return [tick for tick in axes.get_xticks() if low <= tick <= high]


@pytest.mark.parametrize(("epochs", "step"), [(1, 1), (12, 2), (300, 50)])
def test_ticks_are_whole_epochs_of_the_complete_run(epochs: int, step: int) -> None:
    figure = drawn(run_of("a", epochs, min(epochs, 4)))
    for axes in figure.axes:
        assert ticks(axes) == list(range(0, epochs + 1, step))
        assert axes.get_xlabel() == "epoch"
        assert axes.get_xlim()[1] == pytest.approx(epochs, rel=0.05)


def test_each_panel_has_one_axis_and_pictures_can_be_compared() -> None:
    figure = drawn(run_of("a", 6))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Training loss",
        "Accuracy, 30 test videos",
        "Learning rate",
    ]
    loss, accuracy, rate = figure.axes
    assert loss.get_ylim()[0] == rate.get_ylim()[0] == 0
    assert accuracy.get_ylim() == (0, 102)
    assert accuracy.get_yticks().tolist() == [0, 20, 40, 60, 80, 100]
    steps, means = loss.lines
    assert steps.get_xdata()[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert steps.get_ydata()[0] == 3
    assert list(means.get_xdata()) == [1, 2, 3, 4, 5, 6]
    top1, top5, kept = accuracy.lines
    assert list(top1.get_xdata()) == list(range(7))
    assert top1.get_ydata() == pytest.approx(range(7))
    assert set(top5.get_ydata()) == {50}
    assert list(kept.get_xdata()) == [6]


def test_a_run_has_one_color_in_all_panels_and_in_the_legend() -> None:
    runs = [run_of("runs/a", 6), run_of("runs/b", 9, 4, rate=3e-4), run_of("runs/c", 3)]
    figure = drawn(*runs)
    meanings, names = sorted(figure.legends, key=lambda legend: len(legend.texts), reverse=True)
    assert [text.get_text() for text in names.texts] == ["runs/a", "runs/b", "runs/c"]
    colors = [to_hex(line.get_color()) for line in names.get_lines()]
    assert len(set(colors)) == 3
    for axes, lines_of_a_run in zip(figure.axes, (2, 3, 1), strict=True):
        used = [to_hex(line.get_color()) for line in axes.lines]
        assert used == [color for color in colors for _ in range(lines_of_a_run)]
        assert axes.get_xlim()[1] > 9
    assert [text.get_text() for text in meanings.texts][-1] == "kept in best/"


@pytest.mark.parametrize(
    "names",
    [["a"], ["runs/moves", "runs/image_$x_1$"], [f"/very/long/{'folder' * 30}/{n}" for n in range(7)]],
)
def test_nothing_overlaps_or_leaves_the_picture(names: list[str]) -> None:
    figure = drawn(*(run_of(name, 12, rate=2.2e-5) for name in names))
    assert collisions(figure) == []
    rates = figure.axes[2].yaxis
    assert rates.get_major_formatter()(2e-5) == "2e-5"
    for axes in figure.axes:
        assert axes.get_window_extent().width > 250
        assert axes.get_window_extent().height > 250


def test_a_run_without_held_out_videos_says_so(tmp_path: Path) -> None:
    steps = run_of("a", 2).steps
    reports = [EpochReport(epoch, 2.9, None, is_best=epoch == 2) for epoch in (1, 2)]
    unscored = RunCurves("a", 2, steps, reports)
    assert "no held-out videos" in [text for text, _ in drawn_texts(drawn(unscored))]
    just_begun = RunCurves("b", 2, [], [])
    draw_curves(tmp_path / "curves.png", [just_begun])
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width == 1500


def test_runs_on_different_videos_are_not_passed_off_as_the_same() -> None:
    figure = drawn(run_of("a", 2), run_of("b", 2, split="val"))
    assert figure.axes[1].get_title(loc="left") == "Accuracy, each run on its own videos"


def test_scores_that_say_nothing_are_not_drawn() -> None:
    def run_with(name: str, scores: Scores) -> RunCurves:
        return RunCurves(name, 1, [], [EpochReport(epoch, 1.0, scores, is_best=False) for epoch in (0, 1)])

    few = run_with("few classes", Scores("val", 0.5, None, 30))
    several = run_with("several labels", Scores("val", None, None, 30, mean_average_precision=0.2))
    for run, value, measure in ((few, 50, "top-1"), (several, 20, "mAP")):
        figure = drawn(run)
        line, _ = figure.axes[1].lines  # the second marks the epoch in best/, which there is not
        assert set(line.get_ydata()) == {value}
        names = [text.get_text() for text in figure.legends[0].get_texts()]
        assert measure in names
        assert "top-5" not in names
