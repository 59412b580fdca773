"""Mean average precision against values counted by hand, and against its definition on random scores."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.data.labeled_videos import LabeledVideo, shows_several_classes
from vifi_cli.evaluation.scoring.multi_label import (
    _drawn,
    average_precisions,
    mean_average_precision,
    positives_of,
    score_several,
)
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.resampling import draws_of_units


def test_average_precisions_by_hand() -> None:
    scores = np.array([[0.9, 0.1, 0.5], [0.8, 0.2, 0.5], [0.7, 0.3, 0.5], [0.6, 0.4, 0.5]], np.float32)
    positives = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]], np.bool_)
    precisions = average_precisions(scores, positives)
    # class 0 is found at places 1 and 3, class 1 at places 2 and 3, class 2 nowhere
    assert precisions[:2].tolist() == pytest.approx([(1 / 1 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2])
    assert np.isnan(precisions[2])
    assert mean_average_precision(scores, positives) == pytest.approx((5 / 6 + 7 / 12) / 2)


def test_the_example_of_scikit_learn() -> None:
    # sklearn.metrics.average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) gives 0.83 in its documentation
    scores = np.array([[0.1], [0.4], [0.35], [0.8]], np.float32)
    assert mean_average_precision(scores, np.array([[0], [0], [1], [1]], np.bool_)) == pytest.approx(5 / 6)


def test_equal_scores_gain_nothing() -> None:
    positives = np.zeros((100, 2), np.bool_)
    positives[:1] = True  # the first video would be found first in the order of the list
    assert mean_average_precision(np.ones((100, 2), np.float32), positives) == pytest.approx(0.01)


def test_without_videos_it_is_zero() -> None:
    assert mean_average_precision(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.bool_)) == 0


def test_positives_are_all_labels_of_a_video() -> None:
    one, two = LabeledVideo(Path("/a"), 1), LabeledVideo(Path("/b"), 2, more_labels=(0,))
    assert positives_of((one, two), 3).tolist() == [[False, True, False], [True, False, True]]
    assert shows_several_classes((one, two))
    assert not shows_several_classes((one,))


@given(st.data())
def test_it_is_the_mean_precision_at_the_positives(data: st.DataObject) -> None:
    """The definition: over ranks k of relevant videos, the share of relevant ones among the first k."""
    count = data.draw(st.integers(1, 12))
    order = data.draw(st.permutations(range(count)))
    positive = data.draw(st.lists(st.booleans(), min_size=count, max_size=count).filter(any))
    scores = np.array([-place for place in order], np.float32)
    ranked = [positive[order.index(place)] for place in range(count)]
    expected = np.mean([sum(ranked[: k + 1]) / (k + 1) for k in range(count) if ranked[k]])
    got = average_precisions(scores[:, None], np.array(positive)[:, None])
    assert got[0] == pytest.approx(expected)
    # a monotone change of the scores does not matter, and a perfect order gives 1
    assert average_precisions(np.exp(scores)[:, None], np.array(positive)[:, None])[0] == pytest.approx(
        expected
    )
    perfect = np.array(positive, np.float32)[:, None]
    assert average_precisions(perfect, np.array(positive)[:, None])[0] == 1


def test_a_draw_counts_a_video_as_often_as_it_was_drawn() -> None:
    generator = np.random.default_rng(0)
    scores, positives = generator.random((9, 4)).astype(np.float32), generator.random((9, 4)) < 0.4
    times = draws_of_units(9, draws=5)
    assert times.sum(1).tolist() == [9] * 5
    for row, got in zip(times, _drawn(scores, positives, times), strict=True):
        videos = np.repeat(np.arange(9), row.astype(int))
        # repeated videos have equal scores; drawing precision at each of them once more is the definition here
        expected = []
        for column, positive in zip(scores.T[:, videos], positives.T[:, videos], strict=True):
            if positive.any():
                at = [positive[column >= score].mean() for score in column[positive]]
                expected.append(np.mean(at))
        assert got == pytest.approx(np.mean(expected))


def test_complete_groups_are_drawn() -> None:
    times = draws_of_units(4, ("a", "a", "b", "b"), draws=50)
    assert (times[:, 0] == times[:, 1]).all()
    assert (times[:, 2] == times[:, 3]).all()
    assert set(times[:, 0].tolist()) == {0.0, 1.0, 2.0}


def test_fewer_people_give_a_wider_interval() -> None:
    generator = np.random.default_rng(1)
    videos = [
        LabeledVideo(Path(f"/{n}"), n % 3, f"p{n % 4}", more_labels=((n + 1) % 3,) if n % 2 else ())
        for n in range(40)
    ]
    shares = generator.random((40, 3)).astype(np.float32) + 0.5 * positives_of(videos, 3)
    grouped = score_several(Predictions(np.arange(40), shares), videos, 3)
    alone = [LabeledVideo(one.path, one.label, more_labels=one.more_labels) for one in videos]
    single = score_several(Predictions(np.arange(40), shares), alone, 3)
    assert (grouped.groups, single.groups) == (4, 0)
    first, second = grouped.mean_average_precision, single.mean_average_precision
    assert first.value == second.value
    assert None not in (first.low, first.high, second.low, second.high)
    assert 0 <= first.low < second.low < second.value < second.high < first.high <= 1  # type: ignore[operator]
