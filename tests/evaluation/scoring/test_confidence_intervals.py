"""Intervals of shares, against published values and by what must hold of any."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    estimated_share,
    independent_groups,
    share_interval,
    sole_group,
    wilson_interval,
)
from vifi_cli.resampling import student_quantile


@pytest.mark.parametrize(
    ("right", "videos", "low", "high"),
    [
        # Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),  # and the mirror of 0 of 29, by hand: 29 / (29 + 1.96 ** 2)
    ],
)
def test_wilsons_interval_has_its_published_values(right: int, videos: int, low: float, high: float) -> None:
    assert wilson_interval(right / videos, videos) == pytest.approx((low, high), abs=5e-5)


def test_nothing_is_known_without_a_video() -> None:
    assert wilson_interval(0.0, 0) == (0.0, 1.0)
    assert estimated_share([]) == Estimate(0.0)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [
        (1, 12.7062),
        (2, 4.3027),
        (3, 3.1824),
        (4, 2.7764),
        (9, 2.2622),
        (30, 2.0423),
        (120, 1.9799),
        (999, 1.96),
    ],
)
def test_students_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student_quantile(freedom) == pytest.approx(quantile, abs=5e-5)


@given(hits=st.lists(st.booleans(), min_size=1, max_size=60), groups=st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_an_interval_is_in_range_holds_its_share_and_has_a_width(hits: list[bool], groups: int) -> None:
    names = [f"person {place % groups}" for place in range(len(hits))] if groups else []
    found = estimated_share(hits, names if len(set(names)) > 1 else ())
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.05, "60 videos are not certain"
    mirrored = estimated_share([not hit for hit in hits], names if len(set(names)) > 1 else ())
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-9)


@given(right=st.integers(0, 40), wrong=st.integers(0, 40))
def test_more_videos_are_never_less_certain(right: int, wrong: int) -> None:
    videos = right + wrong
    if videos:
        once, twice = (wilson_interval(right / videos, count * videos) for count in (1, 2))
        assert once[0] <= twice[0] <= twice[1] <= once[1]


def hits_of(*right: int, of: int = 10) -> tuple[list[bool], list[str]]:
    """Hits of people with so many right videos each, and their names."""
    hits = [place < each for each in right for place in range(of)]
    return hits, [f"person {number}" for number in range(len(right)) for _ in range(of)]


def test_people_who_differ_make_the_interval_wider() -> None:
    alike, names = hits_of(6, 6, 6, 6, 6)
    different, _ = hits_of(10, 10, 10, 0, 0)
    widths = []
    for hits, groups in ((alike, ()), (alike, names), (different, names)):
        found = estimated_share(hits, groups)
        assert found.low is not None
        assert found.high is not None
        assert found.value == 0.6
        widths.append(found.high - found.low)
    assert widths == sorted(widths)
    assert widths[0] == pytest.approx(0.26, abs=0.01)  # of 50 independent videos
    assert widths[2] > 0.8  # of five people, each of whom counts once


@pytest.mark.parametrize("share", [0, 10])
def test_three_people_all_right_are_not_certainty(share: int) -> None:
    hits, names = hits_of(share, share, share)
    found = estimated_share(hits, names)
    expected = wilson_interval(share / 10, 30, student_quantile(2))
    assert (found.low, found.high) == pytest.approx(expected)
    assert expected[1] - expected[0] == pytest.approx(0.3816, abs=5e-4)


def test_the_effective_number_of_videos_by_hand() -> None:
    means = np.array(
        [0.4, 0.6] * 50
    )  # of variance 0.01, which 5 groups estimate as 0.0125: 0.25 / 0.0125 is 20
    assert share_interval(0.5, means, 5, 1000) == pytest.approx(wilson_interval(0.5, 20, student_quantile(4)))


@pytest.mark.parametrize(("people", "clips"), [(2, 45), (3, 10), (5, 18), (9, 10), (25, 10)])
def test_intervals_over_groups_hold_the_truth_as_often_as_they_say(people: int, clips: int) -> None:
    """People differ by beta(3, 1.5), whose mean is 2/3; of 60 tests, 95 % should hold it, or more."""
    generator = np.random.default_rng(people)
    held = 0
    for _ in range(60):
        rates = generator.beta(3, 1.5, people)
        hits = generator.random((people, clips)) < rates[:, None]
        names = np.repeat([f"p{number}" for number in range(people)], clips).tolist()
        found = estimated_share(hits.ravel(), names)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 2 / 3 <= found.high
    assert held >= 54


def videos_of(groups: Sequence[str]) -> list[LabeledVideo]:
    return [LabeledVideo(Path(f"/{place}.mp4"), 0, group) for place, group in enumerate(groups)]


@pytest.mark.parametrize(
    ("groups", "sole", "independent"),
    [
        (["ann", "ann"], "ann", ()),
        (["ann", ""], "", ()),
        (["", ""], "", ()),
        (["ann", "ben", ""], "", ("ann", "ben", "/2.mp4")),
        ([], "", ()),
    ],
)
def test_which_groups_are_known(groups: list[str], sole: str, independent: tuple[str, ...]) -> None:
    assert sole_group(videos_of(groups)) == sole
    assert independent_groups(videos_of(groups)) == independent
