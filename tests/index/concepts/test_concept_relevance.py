"""How probable it is that a hit shows a concept, from marks that were left out and the index."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.index.concepts.concept import HeldOutScores
from vifi_cli.index.concepts.concept_relevance import concept_relevance
from vifi_cli.index.concepts.validation import held_out_scores

INDEX = np.random.default_rng(0).normal(size=2001)
KNOWN_WELL = HeldOutScores(right_mean=3.0, right_videos=1000, variance=1.0, marks=1000)


def relevance_of(score: float, held_out: HeldOutScores) -> float:
    return float(concept_relevance(np.array([score]), INDEX, held_out)[0])


def test_held_out_scores_are_summed_up_by_kind() -> None:
    scores = np.array([1.0, 3.0, -1.0, 0.0, np.nan])
    held_out = held_out_scores(scores, np.array([1, 1, 0, 0, 0], bool), np.array([1, 1, 2, 3, 4]))
    # deviations of the right ones are 1 and 1, of the wrong ones 0.5 and 0.5
    assert held_out == HeldOutScores(2.0, 1, wrong_mean=-0.5, wrong_videos=2, variance=0.625, marks=4)


def test_marks_that_were_not_left_out_say_nothing() -> None:
    scores = np.full(3, np.nan)
    assert held_out_scores(scores, np.array([1, 0, 0], bool), np.arange(3)) == HeldOutScores()


def test_the_index_itself_says_how_many_windows_show_a_concept() -> None:
    shows = np.arange(2000) < 600  # 30 %
    scores = np.where(shows, 3.0, 0.0) + np.tile(INDEX[:1000], 2)
    known = HeldOutScores(
        right_mean=3.0 + float(INDEX[:1000].mean()), right_videos=1000, variance=1.0, marks=1000
    )
    relevance = concept_relevance(scores, scores, known)
    assert 0.2 < relevance.mean() < 0.35
    assert relevance[shows].mean() > 3 * relevance[~shows].mean()
    few = concept_relevance(np.array([3.0]), scores[500:], known)[0]  # 100 of 1500 windows show it
    many = concept_relevance(np.array([3.0]), scores, known)[0]
    assert few < many


def test_between_right_marks_and_the_index_the_share_decides() -> None:
    # where scores say nothing, the share stays as it is usual: 20 %
    useless = HeldOutScores(right_mean=-1.0, right_videos=100, variance=1.0, marks=100)
    assert relevance_of(0.0, useless) == pytest.approx(0.2, abs=0.01)
    # a slope of 0.7 * 3 takes the log odds up by 0.7 * 3 * 1.5 from the middle to the level of right marks
    low, high = (relevance_of(score, KNOWN_WELL) for score in (1.5, 3.0))
    rise = np.log(high / (1 - high)) - np.log(low / (1 - low))
    assert rise == pytest.approx(0.7 * 3 * 1.5, rel=0.05)


def test_where_half_of_the_index_shows_a_concept_wrong_marks_say_what_the_others_score() -> None:
    scores = np.concatenate([INDEX[:1000] + 3, INDEX[:1000] - 3])
    few = HeldOutScores(3.0, 4, wrong_mean=-3.0, wrong_videos=3, variance=1.0, marks=7)
    relevance = concept_relevance(scores, scores, few)
    assert (relevance[:1000] >= 0.3).mean() > 0.9
    assert (relevance[1000:] >= 0.3).mean() < 0.05


def test_windows_of_another_kind_make_relevance_less_certain() -> None:
    others = np.concatenate([INDEX, np.full(100, -20.0), np.full(100, 20.0)])
    few = HeldOutScores(right_mean=3.0, right_videos=3, variance=1.0, marks=9)
    among_others = float(concept_relevance(np.array([4.0]), others, few)[0])
    assert among_others < relevance_of(4.0, few) - 0.1


def test_few_marks_are_less_certain() -> None:
    few = HeldOutScores(right_mean=3.0, right_videos=1, variance=1.0, marks=3)

    def rise(held_out: HeldOutScores) -> float:
        low, high = (relevance_of(score, held_out) for score in (1.0, 2.0))
        return float(np.log(high / (1 - high)) - np.log(low / (1 - low)))

    assert rise(few) < 0.8 * rise(KNOWN_WELL)


def test_marks_that_score_like_the_index_make_nothing_relevant() -> None:
    useless = HeldOutScores(right_mean=-1.0, right_videos=100, variance=1.0, marks=100)
    assert relevance_of(3.0, useless) < 0.3


@given(
    right_mean=st.floats(-2, 5),
    videos=st.integers(0, 50),
    variance=st.floats(0, 10),
    marks=st.integers(0, 50),
    scores=st.lists(st.floats(-10, 10), min_size=2, max_size=5),
)
def test_relevance_is_a_probability_that_rises_with_the_score(
    right_mean: float, videos: int, variance: float, marks: int, scores: list[float]
) -> None:
    held_out = HeldOutScores(right_mean, videos, variance, marks)
    ordered = np.sort(scores)
    relevance = concept_relevance(ordered, INDEX, held_out)
    assert ((relevance >= 0) & (relevance <= 1)).all()
    assert (np.diff(relevance) >= 0).all()


def test_an_index_whose_windows_are_all_alike_is_rated() -> None:
    relevance = concept_relevance(np.array([0.0, 1.0]), np.zeros(3), HeldOutScores())
    assert np.isfinite(relevance).all()
    assert relevance[0] <= relevance[1]
