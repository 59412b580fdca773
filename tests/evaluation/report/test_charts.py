"""The charts of a report: figures and cells whose numbers are those of the scores."""

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure

from tests.drawn_figures import collisions, drawn_texts
from vifi_cli.evaluation.figures.charts import chart_style
from vifi_cli.evaluation.report.comparison import chart_panels, comparison_figure, comparison_picture
from vifi_cli.evaluation.report.confusion import confusion_figure, confusion_grid
from vifi_cli.evaluation.report.table import ResultRow, ResultTable, headline, legend
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate

STARTER = ResultRow(
    "starter", (Estimate(0.2, 0.1, 0.4), Estimate(0.5, 0.3, 0.7, 0.02), Estimate(9, unit="rank"))
)
TUNED = ResultRow("runs/pull_$ups$/best", (Estimate(0.6, 0.4, 0.8), None, Estimate(2, unit="rank")))
PAPER = ResultRow("ViFi-CLIP", (Estimate(0.7), Estimate(0.9), None), "published", "README")
TABLE = ResultTable(("base", "HM", "median rank"), (STARTER, TUNED, PAPER))


def test_panels_have_the_shares_and_a_method_keeps_its_color() -> None:
    base, harmonic = chart_panels(TABLE)
    assert (base.measure, harmonic.measure) == ("base", "HM")
    assert [(row.method, row.value, row.low, row.high) for row in base.rows] == [
        ("starter", 0.2, 0.1, 0.4),
        ("runs/pull_$ups$/best", 0.6, 0.4, 0.8),
        ("ViFi-CLIP", 0.7, 0.7, 0.7),
    ]
    assert [row.method for row in harmonic.rows] == ["starter", "ViFi-CLIP"]
    assert harmonic.rows[0].color == base.rows[0].color != base.rows[1].color
    assert [row.is_published for row in base.rows] == [False, False, True]
    assert comparison_picture(ResultTable(("median rank",), ())) is None


def comparison() -> Figure:
    with chart_style(row.method for row in TABLE.rows):
        return comparison_figure(chart_panels(TABLE))


def test_the_chart_draws_values_and_intervals_from_0_to_100_percent() -> None:
    figure = comparison()
    base, harmonic = figure.axes
    interval, value, *_ = base.lines
    assert list(interval.get_xdata()) == pytest.approx([10, 40])
    assert list(value.get_xdata()) == pytest.approx([20])
    assert [line.get_ydata()[0] for line in base.lines[1::2]] == [0, 1, 2]
    assert base.get_ylim()[0] > base.get_ylim()[1], "the first method is on top"
    for axes in (base, harmonic):
        assert axes.get_xticks().tolist() == [0, 25, 50, 75, 100]
        assert axes.get_xlim() == (-2, 102)
    assert collisions(figure) == []
    assert "runs/pull_$ups$/best" in [text for text, _ in drawn_texts(figure)]


def test_many_methods_with_long_names_do_not_collide() -> None:
    rows = tuple(
        ResultRow(f"/data/{'folder' * 12}/{place}/best", (Estimate(0.5, 0.1, 0.9),) * 4) for place in range(9)
    )
    with chart_style():
        figure = comparison_figure(
            chart_panels(ResultTable(("2 shots", "4 shots", "8 shots", "16 shots"), rows))
        )
    assert collisions(figure) == []
    names = [text for text, _ in drawn_texts(figure) if text.endswith("/best")]
    assert len(set(names)) == 9, "the ends of names, which differ, are kept"


def confusion_of(classes: int) -> npt.NDArray[np.int64]:
    matrix = 3 * np.eye(classes, dtype=np.int64)
    matrix[0] = 0
    matrix[1, 0] = 1
    return matrix


@pytest.mark.parametrize("classes", [2, 20, 61])
def test_a_confusion_matrix_is_linear_and_has_named_axes(classes: int) -> None:
    names = [f"$class_{place}$ with quite a long name" for place in range(classes)]
    with chart_style(names):
        figure = confusion_figure(confusion_of(classes), names)
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    (image,) = axes.images
    shares = np.asarray(image.get_array())
    assert shares[0].tolist() == [0] * classes
    assert shares[1, :2] == pytest.approx([25, 75])
    colors = [image.cmap(image.norm(percent))[:3] for percent in (0, 50, 100)]
    assert [float(image.norm(percent)) for percent in (0, 25, 50, 100)] == [0, 0.25, 0.5, 1]
    assert colors[0] > colors[1] > colors[2], "darker is more"
    assert [text.get_text() for text in bar.get_yticklabels()][::5] == ["0 %", "100 %"]
    assert collisions(figure) == []
    shown = [text for text, _ in drawn_texts(figure)]
    named = [text for text in shown if text.startswith("$class_")]
    assert len(named) == (2 * classes if classes <= 60 else 0)
    assert shown.count("3") == (classes - 1 if classes <= 20 else 0)


def test_cells_of_the_page_have_counts_shares_and_words() -> None:
    grid = confusion_grid(confusion_of(3), ["run", "走る", "a very long name that goes on and on"])
    assert [(cell.row, cell.column, cell.count, cell.share) for cell in grid.cells] == [
        (1, 0, 1, 0.25),
        (1, 1, 3, 0.75),
        (2, 2, 3, 1.0),
    ]
    assert grid.cells[0].words == "走る predicted as run: 1 of 4"
    assert grid.labels == ("run", "走る", "a very long name that goes…")
    assert len(confusion_grid(confusion_of(400), ["x"] * 400).cells) == 400
    assert confusion_grid(confusion_of(400), ["x"] * 400).side <= 800


def test_the_headline_is_the_best_by_the_mean_of_the_table() -> None:
    found = headline(TABLE)
    assert found
    assert (found.before, found.method, found.after) == ("", "starter", ", HM 50.0 ± 2.0 [30.0, 70.0] %")
    by_base = headline(ResultTable(("base",), (STARTER_ALONE, TUNED_ALONE)))
    assert by_base
    assert (by_base.before, by_base.method) == ("Best base of 2:", "runs/pull_$ups$/best")
    by_rank = [ResultRow(name, (Estimate(rank, unit="rank"),)) for name, rank in (("a", 3), ("b", 2))]
    ranks = ResultTable(("median rank",), tuple(by_rank))
    best = headline(ranks)
    assert best
    assert (best.method, best.after) == ("b", ", median rank 2.0")
    equal = [ResultRow(name, (Estimate(0.5),)) for name in ("a", "b", "c")]
    alike = headline(ResultTable(("top-1",), (*equal, ResultRow("d", (Estimate(0.4),)))))
    assert alike
    assert (alike.before, alike.method, alike.after) == (
        "Best top-1 of 4:",
        "a, b and c alike",
        ", top-1 50.0 %",
    )
    all_alike = headline(ResultTable(("top-1",), tuple(equal)))
    assert all_alike
    assert (all_alike.before, all_alike.method) == ("", "a, b and c alike"), "none is the best"
    assert headline(ResultTable(("base",), (ResultRow("nothing", (None,)),))) is None


STARTER_ALONE, TUNED_ALONE = (ResultRow(row.method, row.estimates[:1]) for row in (STARTER, TUNED))


def test_the_legend_explains_only_what_the_table_has() -> None:
    assert legend(TABLE) == (
        "Percent, except for ranks; 95 % intervals in brackets; ± is the standard deviation over splits or seeds."
    )
    assert legend(ResultTable(("base",), (STARTER_ALONE,))) == "Percent; 95 % intervals in brackets."


def test_long_names_that_begin_alike_keep_what_tells_them_apart() -> None:
    names = [f"a person does the same long movement by the {part}" for part in ("left hand", "right hand")]
    labels = confusion_grid(np.eye(2, dtype=np.int64), names).labels
    assert [label[-10:] for label in labels] == [" left hand", "right hand"]
    assert max(map(len, labels)) <= 28
    (first, _) = confusion_grid(np.eye(2, dtype=np.int64), ["wave " * 9, "run"]).labels
    assert first.startswith("wave wave")
