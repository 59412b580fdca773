"""How well marks that were left out are ranked."""

import tracemalloc

import numpy as np
import pytest

from vifi_cli.index.arrays import Float64Array
from vifi_cli.index.concepts.validation import average_precisions, cross_validation

NOT_COMPARED = np.nan


def average_precision(
    margins: list[list[float]], right: tuple[float, ...], wrong: tuple[float, ...]
) -> float:
    return float(average_precisions(np.array(margins), np.array([right]), np.array([wrong]))[0])


def margins_of(scores: Float64Array, is_right: np.ndarray) -> Float64Array:
    margins: Float64Array = scores[is_right][:, None] - scores[~is_right]
    return margins


def test_average_precision_is_that_of_the_ranking() -> None:
    # right, wrong, right, wrong: (1 / 1 + 2 / 3) / 2
    assert average_precision([[0.1, 0.8], [-0.1, 0.6]], (1, 1), (1, 1)) == pytest.approx(5 / 6)


def test_equal_scores_count_as_wrongly_ranked() -> None:
    # both wrong ones above both right ones: (1 / 3 + 2 / 4) / 2
    assert average_precision([[0.0, 0.0], [0.0, 0.0]], (1, 1), (1, 1)) == pytest.approx(5 / 12)


def test_an_item_that_is_drawn_twice_is_two_items() -> None:
    # right, then two wrong ones; the second right one is not drawn
    assert average_precision([[-1.0, 1.0], [-1.0, 1.0]], (1, 0), (2, 0)) == pytest.approx(1 / 3)
    assert average_precision([[-1.0], [1.0]], (1, 3), (1,)) == pytest.approx((3 * 1 + 4 / 5) / 4)


def test_pairs_that_cannot_be_compared_are_left_out() -> None:
    # the only known pair of each right mark is ranked correctly
    assert average_precision([[NOT_COMPARED, 1.0], [2.0, NOT_COMPARED]], (1, 1), (1, 1)) == 1
    # a right mark without any known pair is no evidence
    assert average_precision([[NOT_COMPARED, NOT_COMPARED], [2.0, 1.0]], (1, 1), (1, 1)) == 1
    assert np.isnan(average_precision([[NOT_COMPARED]], (1,), (1,)))


def test_equal_rankings_gain_nothing_and_ask_for_more_marks() -> None:
    is_right = np.array([True, False, True, False])
    margins = margins_of(np.array([0.9, 0.8, 0.7, 0.1]), is_right)
    validation = cross_validation(margins, margins, is_right, np.arange(4))
    assert validation
    assert (validation.right, validation.wrong) == (2, 2)
    assert (validation.gain, validation.gain_low, validation.gain_high) == (0, 0, 0)
    assert validation.needs_more_marks


def test_one_right_video_cannot_tell_anything() -> None:
    is_right = np.array([True, False, False])
    text, learned = np.array([[-1.0, -2.0]]), np.array([[8.0, 7.0]])
    validation = cross_validation(text, learned, is_right, np.arange(3))
    assert validation
    assert validation.gain == pytest.approx(2 / 3)
    assert (validation.gain_low, validation.gain_high) == pytest.approx((-1 / 3, 1))
    assert validation.needs_more_marks


def test_many_videos_that_all_agree_are_enough() -> None:
    is_right = np.arange(40) < 20
    text, learned = margins_of(-1.0 * is_right, is_right), margins_of(1.0 * is_right, is_right)
    validation = cross_validation(text, learned, is_right, np.arange(40))
    assert validation
    assert validation.learned_precision == 1
    assert 0 < validation.gain_low < validation.gain < validation.gain_high <= 1
    assert not validation.needs_more_marks


def test_many_marks_of_two_videos_are_two_videos() -> None:
    is_right = np.arange(40) < 20
    text, learned = margins_of(-1.0 * is_right, is_right), margins_of(1.0 * is_right, is_right)
    validation = cross_validation(text, learned, is_right, np.where(is_right, 1, 2))
    assert validation
    assert validation.needs_more_marks


def test_nothing_to_compare_is_no_validation() -> None:
    margins, is_right = np.array([[np.nan]]), np.array([True, False])
    assert cross_validation(margins, margins, is_right, np.zeros(2, np.int64)) is None


def test_marks_of_many_videos_need_little_memory() -> None:
    is_right = np.arange(600) < 100
    margins = margins_of(np.arange(600.0), is_right)
    tracemalloc.start()
    validation = cross_validation(margins, -margins, is_right, np.arange(600))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert validation is not None
    assert validation.gain_low > 0
    assert peak_bytes < 50e6  # a place per draw, video and drawn video would be 180 MB
