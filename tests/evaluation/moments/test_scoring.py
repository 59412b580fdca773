"""Measures of moments against rankings that can be counted by hand, and against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.evaluation.moments.scoring import (
    MEASURES,
    MOST_PREDICTIONS,
    PRECISION_THRESHOLDS,
    average_precision,
    estimates_of,
    measures_of_query,
    overlaps,
)
from vifi_cli.evaluation.scoring.confidence_intervals import wilson_interval

Window = tuple[float, float]
spans = st.tuples(st.integers(0, 30), st.integers(1, 30)).map(lambda each: (each[0], each[0] + each[1]))
some_spans = st.lists(spans, min_size=1, max_size=12)


def measures(
    predicted: list[Window], true: list[Window], scores: list[float] | None = None
) -> dict[str, float]:
    iou = overlaps(np.array(predicted, float).reshape(-1, 2), np.array(true, float))
    ranked = np.array(scores or [-float(place) for place in range(len(predicted))])
    return dict(zip(MEASURES, measures_of_query(iou, ranked).tolist(), strict=True))


def test_iou_of_windows_by_hand() -> None:
    predicted = np.array([[0, 10], [5, 15], [10, 20], [0, 40]], float)
    assert overlaps(predicted, np.array([[0, 10], [10, 20]], float)).tolist() == [
        [1, 0],
        [5 / 15, 5 / 15],
        [0, 1],
        [0.25, 0.25],
    ]


def test_a_query_with_one_true_window_by_hand() -> None:
    """IoU 0 first, then 0.6, then 1: R5 finds it, and precision at the only hit is 1/2 up to 0.6, 1/3 above."""
    found = measures([(50, 60), (0, 6), (0, 10)], [(0, 10)])
    assert [found[f"R1@{least}"] for least in (0.3, 0.5, 0.7)] == [0, 0, 0]
    assert [found[f"R5@{least}"] for least in (0.3, 0.5, 0.7)] == [1, 1, 1]
    assert found["mIoU"] == 0
    assert (found["mAP@0.5"], found["mAP@0.75"]) == pytest.approx((1 / 2, 1 / 3))
    assert found["mAP"] == pytest.approx((3 * 1 / 2 + 7 * 1 / 3) / 10)  # 0.5, 0.55, 0.6 and the other seven


def test_a_query_with_two_true_windows_by_hand() -> None:
    """Found at ranks 1 and 3; rank 2 repeats the first window and is wrong."""
    found = measures([(0, 10), (0, 9), (20, 30)], [(20, 30), (0, 10)])
    assert found["R1@0.7"] == found["mIoU"] == 1, "the first prediction counts with the window that fits best"
    assert found["mAP@0.5"] == found["mAP"] == pytest.approx((1 + 2 / 3) / 2)


def test_precision_is_interpolated() -> None:
    """Hits at ranks 2 and 3: precision is 1/2, then 2/3, so the first one counts as 2/3 too."""
    assert measures([(50, 60), (0, 10), (20, 30)], [(0, 10), (20, 30)])["mAP"] == pytest.approx(2 / 3)


def test_a_window_that_is_never_found_adds_nothing() -> None:
    assert measures([(0, 10)], [(0, 10), (20, 30), (40, 50), (60, 70)])["mAP"] == 0.25


def test_a_query_without_an_answer_is_a_miss() -> None:
    assert set(measures([], [(0, 10)]).values()) == {0}


def test_thresholds_include_their_value() -> None:
    found = measures([(0, 3), (0, 7.5)], [(0, 10)])
    assert (found["R1@0.3"], found["R5@0.7"], found["mAP@0.75"]) == (1, 1, 0.5)


def test_only_the_first_ten_predictions_count() -> None:
    wrong: list[Window] = [(100 + place, 101 + place) for place in range(MOST_PREDICTIONS)]
    assert measures([*wrong[1:], (0, 10)], [(0, 10)])["mAP"] == 0.1
    assert measures([*wrong, (0, 10)], [(0, 10)])["mAP"] == 0


def test_of_equal_scores_the_worse_prediction_comes_first() -> None:
    found = measures([(0, 10), (50, 60)], [(0, 10)], [0.5, 0.5])
    assert (found["R1@0.3"], found["mAP"]) == (0, 0.5)


@given(some_spans, some_spans)
def test_measures_are_shares_that_grow_with_more_room_and_fall_with_higher_thresholds(
    predicted: list[Window], true: list[Window]
) -> None:
    found = measures(predicted, true)
    assert all(0 <= value <= 1 + 1e-12 for value in found.values())
    for least, more in ((0.3, 0.5), (0.5, 0.7)):
        assert found[f"R1@{least}"] >= found[f"R1@{more}"]
    for least in (0.3, 0.5, 0.7):
        assert found[f"R1@{least}"] == (found["mIoU"] >= least)
        assert found[f"R5@{least}"] >= found[f"R1@{least}"]
    iou = overlaps(np.array(predicted, float), np.array(true, float))
    assert (np.diff(average_precision(iou, PRECISION_THRESHOLDS)) <= 1e-12).all()


@given(some_spans)
def test_predicting_the_true_windows_is_perfect(true: list[Window]) -> None:
    few = list(dict.fromkeys(true))[:MOST_PREDICTIONS]
    assert list(measures(few, few).values()) == pytest.approx([1] * len(MEASURES))


@given(some_spans, some_spans, st.integers(1, 9), st.integers(0, 1000))
def test_units_and_the_start_of_the_clock_do_not_matter(
    predicted: list[Window], true: list[Window], unit: int, later: int
) -> None:
    def moved(windows: list[Window]) -> list[Window]:
        return [(start * unit + later, end * unit + later) for start, end in windows]

    assert measures(moved(predicted), moved(true)) == pytest.approx(measures(predicted, true))


def test_intervals_are_over_videos_where_they_have_several_queries() -> None:
    values = np.array([[1.0], [1.0], [0.0], [0.0]] * 10)
    alone = estimates_of(values, [f"video {place}" for place in range(40)])[0]
    assert (alone.value, alone.low, alone.high) == pytest.approx((0.5, *wilson_interval(0.5, 40)))
    together = estimates_of(values, [f"video {place // 2}" for place in range(40)])[0]
    assert together.value == 0.5
    assert together.low is not None
    assert alone.low is not None
    assert together.low < alone.low - 0.04, "20 videos, each all right or all wrong, are worth 20 queries"
    of_one = estimates_of(values, ["the only one"] * 40)[0]
    assert (of_one.low, of_one.high) == (alone.low, alone.high)
