"""Chains of windows in order of time: worked by hand, and against all chains of small cases."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.index.search.order.chains import (
    DistanceCost,
    SeparateChains,
    StepWindows,
    best_chain,
    without_after,
)

FREE = DistanceCost()
Window = tuple[float, float, float]  # start, end, score


def step(*windows: Window, within: float = math.inf, barriers: Sequence[float] = ()) -> StepWindows:
    columns = np.array(windows, np.float64).reshape(-1, 3).T
    return StepWindows(np.arange(len(windows)), *columns, within, np.array(barriers, np.float64))


def found(*steps: StepWindows, cost: DistanceCost = FREE) -> list[tuple[float, list[tuple[float, float]]]]:
    return [
        (round(chain.score, 6), [(one.start_seconds, one.end_seconds) for one in chain.windows])
        for chain in SeparateChains(steps, cost)
    ]


def test_the_better_windows_in_the_wrong_order_are_no_chain() -> None:
    doors = step((0, 2, 1.0), (20, 22, 9.0))
    sitting = step((10, 12, 8.0), (30, 32, 2.0))
    assert found(doors, sitting) == [(11.0, [(20, 22), (30, 32)]), (9.0, [(0, 2), (10, 12)])]
    assert found(sitting, doors) == [(17.0, [(10, 12), (20, 22)])]


def test_a_window_that_shows_two_steps_at_once_is_no_order() -> None:
    assert found(step((0, 8, 1)), step((8, 16, 1))) == [(2, [(0, 8), (8, 16)])]
    assert found(step((0, 8, 1)), step((7.9, 15.9, 1))) == []
    assert found(step((0, 8, 9), (4, 12, 1)), step((4, 12, 9), (8, 16, 1))) == [(10, [(0, 8), (8, 16)])]
    assert found(step((0, 32, 1)), step((31, 33, 1))) == []
    assert found(step((0, 2, 1)), step((0, 2, 1))) == []


def test_a_step_must_begin_in_time() -> None:
    first, far, near = step((0, 2, 1)), (12, 14, 5), (7, 9, 1)
    assert found(first, step(far, near, within=5)) == [(2, [(0, 2), (7, 9)])]
    assert found(first, step(far, near, within=10)) == [(6, [(0, 2), (12, 14)])]
    assert found(first, step(far, within=9.9)) == []


def test_of_equal_chains_the_closer_steps_win() -> None:
    cost = DistanceCost(most=1.0, seconds=100)
    first, last = step((0, 2, 3), (40, 42, 3)), step((52, 54, 3), (500, 502, 3))
    assert found(first, last, cost=cost)[0] == (5.9, [(40, 42), (52, 54)])
    assert found(step((0, 2, 3)), step((500, 502, 3)), cost=cost) == [(5.0, [(0, 2), (500, 502)])]
    assert found(step((0, 8, 3)), step((8, 16, 3)), cost=cost)[0][0] == 6.0


def test_what_must_not_be_between_is_not() -> None:
    goals, crowd = step((0, 2, 5), (20, 22, 1)), (30, 32, 1)
    assert found(goals, step(crowd, barriers=[10])) == [(2, [(20, 22), (30, 32)])]
    assert found(goals, step(crowd, barriers=[25])) == []
    assert found(goals, step(crowd, barriers=[0.9, 31.1])) == [(6, [(0, 2), (30, 32)])]
    assert found(goals, step(crowd, barriers=[1])) == [(2, [(20, 22), (30, 32)])]
    assert found(goals, step(crowd, barriers=[31])) == []


def test_what_must_not_follow_does_not() -> None:
    goals, crowd = step((0, 2, 5), (18, 20, 1), (40, 42, 3)), np.array([10.0, 30.0])
    kept = [
        without_after(goals, crowd, seconds).starts.tolist() for seconds in (math.inf, 10.0, 9.9, 8.0, 7.9)
    ]
    assert kept == [[40], [40], [18, 40], [18, 40], [0, 18, 40]]
    assert without_after(goals, np.array([19.0]), 1.0).starts.tolist() == [0, 40]
    assert without_after(goals, np.array([18.9]), 1.0).starts.tolist() == [0, 18, 40]


def test_chains_of_a_video_share_no_second() -> None:
    """The second best chain ends within the best one, so the third counts."""
    ones = step((0, 2, 5), (10, 12, 5), (20, 22, 1))
    twos = step((4, 6, 4), (14, 16, 5), (24, 26, 1))
    assert found(ones, twos) == [
        (10, [(0, 2), (14, 16)]),
        (2, [(20, 22), (24, 26)]),
    ]
    chains = SeparateChains([ones, twos], FREE)
    assert (chains.next_score, chains.take().score, chains.next_score) == (10, 10, 2)
    assert (chains.take().score, chains.next_score) == (2, -math.inf)


def test_a_step_without_windows_gives_no_chain() -> None:
    assert found(step((0, 2, 1)), step()) == []


def all_chains(steps: Sequence[StepWindows], cost: DistanceCost) -> Iterator[float]:
    """The scores of all chains."""
    rows = [list(zip(each.starts, each.ends, each.scores, strict=True)) for each in steps]
    for chain in product(*rows):
        lost = 0.0
        for place, (a, b) in enumerate(pairwise(chain), 1):
            gap = b[0] - a[1]
            barred = any((a[0] + a[1]) / 2 <= at <= (b[0] + b[1]) / 2 for at in steps[place].barriers)
            if gap < 0 or gap > steps[place].within_seconds or barred:
                break
            lost += min(cost.most, cost.most / cost.seconds * gap)
        else:
            yield sum(score for *_, score in chain) - lost


windows = st.tuples(st.integers(0, 24), st.sampled_from([2, 8]), st.integers(-9, 9)).map(
    lambda each: (each[0], each[0] + each[1], each[2])
)


@given(
    st.lists(st.lists(windows, max_size=6), min_size=2, max_size=4),
    st.sampled_from([math.inf, 5.0]),
    st.lists(st.integers(0, 30), max_size=2),
    st.sampled_from([FREE, DistanceCost(0.5, 8)]),
)
def test_the_best_chain_is_the_best_of_all(
    rows: list[list[Window]], within: float, barriers: list[int], cost: DistanceCost
) -> None:
    steps = [step(*row, within=within, barriers=sorted(barriers)) for row in rows]
    chain = best_chain(steps, cost)
    scores = list(all_chains(steps, cost))
    assert (chain is None) == (not scores)
    if chain:
        assert chain.score == pytest.approx(max(scores))
        shown = [
            step((one.start_seconds, one.end_seconds, one.score), within=within, barriers=sorted(barriers))
            for one in chain.windows
        ]
        assert list(all_chains(shown, cost)) == [pytest.approx(chain.score)], "its windows are that chain"
