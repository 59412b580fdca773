"""Paired differences against published values, and what must hold of any."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.evaluation.scoring.paired_difference import (
    McNemar,
    PairedCounts,
    PairedHits,
    estimated_difference,
    mcnemar,
    paired_counts,
    tango_interval,
)
from vifi_cli.resampling import NORMAL_QUANTILE

COUNTS = st.tuples(*[st.integers(0, 30)] * 4).filter(lambda counts: sum(counts) > 0)


def hits_of(both: int, only_first: int, only_second: int, neither: int, groups: str = "") -> PairedHits:
    first = np.array([True] * (both + only_first) + [False] * (only_second + neither))
    second = np.array([True] * both + [False] * only_first + [True] * only_second + [False] * neither)
    units = tuple(groups) or tuple(map(str, range(len(first))))
    return PairedHits(first, second, units, has_groups=bool(groups))


def test_counts_by_hand() -> None:
    first, second = np.array([1, 1, 0, 0, 1], np.bool_), np.array([1, 0, 1, 0, 0], np.bool_)
    assert paired_counts(first, second) == PairedCounts(1, 2, 1, 1)
    assert paired_counts(first, second).videos == 5


def test_mcnemar_is_the_published_one() -> None:
    # Fagerland, Lydersen and Laake 2013, table 1 (airway hyper-responsiveness of 21 children): 0.070 and 0.039
    assert mcnemar(PairedCounts(1, 1, 7, 12)) == McNemar(18 / 256, 18 / 256 - 8 / 256)
    assert mcnemar(PairedCounts(1, 7, 1, 12)) == mcnemar(PairedCounts(1, 1, 7, 12))
    # as many to both sides: their supplement, 1 - half the probability of 3 of 6
    assert mcnemar(PairedCounts(5, 3, 3, 5)) == McNemar(1.0, 1 - 20 / 64 / 2)
    assert mcnemar(PairedCounts(5, 0, 0, 5)) == McNemar(1.0, 1.0)
    assert mcnemar(PairedCounts(0, 0, 4, 0)) == McNemar(0.125, 0.0625)


@given(COUNTS)
def test_mcnemar_is_the_binomial_test(counts: tuple[int, int, int, int]) -> None:
    _, only_first, only_second, _ = counts
    pairs = only_first + only_second
    point = [math.comb(pairs, number) / 2**pairs for number in range(pairs + 1)]
    as_far = [p for n, p in enumerate(point) if abs(2 * n - pairs) >= abs(2 * only_first - pairs)]
    found = mcnemar(PairedCounts(*counts))
    assert found.exact == pytest.approx(sum(as_far))
    assert 0 < found.mid <= found.exact


def test_many_videos_take_no_time_and_no_overflow() -> None:
    assert 0 < mcnemar(PairedCounts(0, 9000, 9500, 0)).exact < 0.001
    assert mcnemar(PairedCounts(0, 0, 5000, 0)).exact == 0.0  # less than any float


def test_the_interval_is_the_published_one() -> None:
    # R: PropCIs::scoreci.mp(25, 28, 618, conf.level = 0.90) is [-0.0148, 0.0247]
    assert tango_interval(28, 25, 618, 1.6448536269514722) == pytest.approx((-0.0148, 0.0247), abs=5e-5)
    # without a difference: q² / (n + q²) to both sides
    end = NORMAL_QUANTILE**2 / (100 + NORMAL_QUANTILE**2)
    assert tango_interval(0, 0, 100) == pytest.approx((-end, end), abs=2e-6)
    assert tango_interval(50, 0, 50)[1] == 1.0
    assert tango_interval(0, 0, 0) == (-1.0, 1.0)


@given(COUNTS)
def test_the_interval_holds_the_difference_and_is_symmetric(counts: tuple[int, int, int, int]) -> None:
    _, worse, better, _ = counts
    videos = sum(counts)
    low, high = tango_interval(better, worse, videos)
    assert -1 <= low <= (better - worse) / videos <= high <= 1
    assert high > low
    assert tango_interval(worse, better, videos) == pytest.approx((-high, -low), abs=1e-9)


def test_the_difference_of_independent_videos() -> None:
    found = estimated_difference([hits_of(10, 2, 6, 2)])
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == tango_interval(6, 2, 20)
    assert found.spread is None


def test_groups_that_differ_make_it_uncertain() -> None:
    # the second model is better on all of Ann's videos, and on none of the others'
    alone = estimated_difference([hits_of(0, 0, 5, 15)])
    spread = estimated_difference([hits_of(0, 0, 5, 15, "abcde" + "abcde" * 3)])
    ann = estimated_difference([hits_of(0, 0, 5, 15, "aaaaa" + "bbbbbcccccddddd")])
    assert alone.value == spread.value == ann.value == 0.25
    assert alone.low is not None
    assert ann.low is not None
    assert ann.high is not None
    assert ann.low < 0 < alone.low
    assert ann.high > 0.8
    assert (spread.low or 0) < alone.low, "five people are fewer than twenty"


def test_the_mean_over_seeds_counts_a_video_once() -> None:
    one, other = hits_of(10, 2, 6, 2), hits_of(10, 4, 6, 0)
    mean = estimated_difference([one, other])
    assert mean.value == pytest.approx((0.2 + 0.1) / 2)
    assert mean.spread == pytest.approx(0.1 / 2**0.5)
    same = estimated_difference([one, one, one])
    single = estimated_difference([one])
    assert None not in (same.low, same.high, single.low, single.high)
    width = (single.high or 0) - (single.low or 0)
    assert (same.high or 0) - (same.low or 0) == pytest.approx(width, rel=0.15)
    assert estimated_difference([hits_of(1, 0, 0, 0)] * 2).low == tango_interval(0, 0, 1)[0]


def test_nominal_95_percent_hold_the_truth_of_other_people() -> None:
    """In simulated tests of nine people whose gain differs, intervals hold the mean gain nearly always."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        first, second = [], []
        for _person in range(9):
            skill, gain = generator.uniform(0.3, 0.6), generator.normal(0.15, 0.15)
            first.append(generator.random(10) < skill)
            second.append(generator.random(10) < np.clip(skill + gain, 0, 1))
        units = tuple(np.repeat([f"p{person}" for person in range(9)], 10).tolist())
        found = estimated_difference(
            [PairedHits(np.concatenate(first), np.concatenate(second), units, has_groups=True)]
        )
        held += (found.low or -1) <= 0.15 <= (found.high or 1)
    assert held >= 90
