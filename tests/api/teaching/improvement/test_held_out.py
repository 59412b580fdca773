"""Which marks test a model, and what they say: complete groups, average precision, and the interval of a gain."""

import numpy as np
import pytest

from tests.api.teaching.improvement.made_marks import moments
from vifi_cli.api.teaching.improvement.held_out import (
    held_out_by,
    hold_out,
    regrouped,
    without_held_out,
)
from vifi_cli.errors import InvalidInput


def scores(*values: float) -> tuple[np.ndarray, ...]:
    return (np.array(values),)


def test_no_group_is_learned_from_and_held_out() -> None:
    marked = moments("a+", "a-", "b+", "b-", "c+", "c-", "d+", "d-", "e+", "e-")
    held_out = hold_out(marked, seed=1)
    assert 0 < len(held_out.groups) < 3
    learned = without_held_out(marked, marked.concepts[0], held_out.groups)
    tested = {moment.path for moment in held_out.moments[0]}
    assert {mark.path for mark in learned.marks}.isdisjoint(tested)
    assert len(learned.marks) + held_out.marks == 10
    assert {mark.fingerprint for mark in learned.marks if mark.is_right} == {
        name for name in "abcde" if name not in held_out.groups
    }


def test_marks_of_one_group_cannot_be_held_out() -> None:
    assert hold_out(moments("a+", "a-"), seed=1).marks == 0


def test_a_concept_is_tested_only_by_both_kinds_of_its_own_marks() -> None:
    marked = moments("a+.", "b-+", "c+.", "d..", concepts=("wave", "walk"))
    held_out = held_out_by(marked, {"a", "b", "d"})
    # walk has no wrong mark there: that a.mp4 is right for wave says nothing
    assert [concept.name for concept in held_out.concepts] == ["wave"]
    assert held_out.is_right[0].tolist() == [True, False]


def test_average_precision_and_gain_are_those_of_the_ranking() -> None:
    held_out = held_out_by(moments("a+", "b-", "c+", "d-"), set("abcd"))
    worse, better = scores(0.1, 0.9, 0.8, 0.2), scores(0.9, 0.1, 0.8, 0.2)
    assert held_out.precisions(worse) == pytest.approx([(1 / 2 + 2 / 4) / 2])
    assert held_out.precisions(better) == (1.0,)
    gain = held_out.gain(worse, better)
    assert gain.value == pytest.approx(0.5)
    assert (gain.low, gain.high) == (-1, 1), "two groups of each kind"


def test_the_gain_of_many_clear_groups_is_certain_and_of_two_is_not() -> None:
    names = "abcdefghijklmnopqrst"
    marks = [f"{name}{'+' if number % 2 else '-'}" for number, name in enumerate(names)]
    truth = np.array([mark.endswith("+") for mark in marks])
    many = held_out_by(moments(*marks), set(names))
    assert many.gain(scores(*(1.0 * ~truth)), scores(*(1.0 * truth))).low > 0.1
    same = many.gain(scores(*(1.0 * truth)), scores(*(1.0 * truth)))
    assert (same.value, same.low, same.high) == (0, 0, 0)
    few = held_out_by(moments("a+", "b-", "c+", "d-"), set("abcd"))
    assert few.gain(scores(0.0, 1.0, 0.0, 1.0), scores(1.0, 0.0, 1.0, 0.0)).low <= 0


def test_videos_are_drawn_where_all_are_of_one_group() -> None:
    marked = regrouped(moments("a+", "b-", "c+", "d-", "e+", "f-"), "(mp)4")
    assert {moment.group for moment in marked.moments} == {"mp"}
    held_out = held_out_by(marked, {"mp"})
    gain = held_out.gain(scores(0.1, 0.9, 0.8, 0.2, 0.7, 0.3), scores(0.9, 0.1, 0.8, 0.2, 0.7, 0.3))
    assert gain.value == pytest.approx(1 - (1 / 2 + 2 / 3 + 3 / 6) / 3)
    assert -1 < gain.low < 0.2


def test_a_pattern_that_finds_no_group_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"finds no group in a\.mp4"):
        regrouped(moments("a+", "b-"), "^([^_]+)_")
