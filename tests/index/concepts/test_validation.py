"""How well marks that were left out are ranked."""

import numpy as np
import pytest

from vifi_cli.index.concepts.validation import average_precision, cross_validation

RIGHT = np.array([True, False, True, False])


def test_average_precision_is_that_of_the_ranking() -> None:
    # right at ranks 1 and 3: (1 / 1 + 2 / 3) / 2
    assert average_precision(np.array([0.9, 0.8, 0.7, 0.1]), RIGHT) == pytest.approx(5 / 6)


def test_of_equal_scores_the_wrong_ones_come_first() -> None:
    assert average_precision(np.zeros(4), RIGHT) == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_a_mark_that_counts_twice_is_two_marks() -> None:
    scores, counts = np.array([0.9, 0.8, 0.7, 0.1]), np.array([1.0, 2.0, 0.0, 1.0])
    assert average_precision(scores, RIGHT, counts) == 1
    assert average_precision(-scores, RIGHT, counts) == pytest.approx(1 / 4)


def test_equal_rankings_gain_nothing_and_ask_for_more_marks() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    validation = cross_validation(scores, scores, RIGHT, np.arange(4))
    assert (validation.gain, validation.gain_low, validation.gain_high) == (0, 0, 0)
    assert validation.needs_more_marks


def test_one_right_video_cannot_tell_anything() -> None:
    is_right = np.array([True, False, False])
    validation = cross_validation(np.array([0.0, 1, 2]), np.array([9.0, 1, 2]), is_right, np.arange(3))
    assert validation.gain == pytest.approx(2 / 3)
    assert (validation.gain_low, validation.gain_high) == pytest.approx((-1 / 3, 1))
    assert validation.needs_more_marks


def test_many_marks_that_all_agree_are_enough() -> None:
    is_right = np.arange(40) < 20
    validation = cross_validation(-is_right.astype(float), is_right.astype(float), is_right, np.arange(40))
    assert validation.learned_precision == 1
    assert 0 < validation.gain_low < validation.gain < validation.gain_high <= 1
    assert not validation.needs_more_marks
