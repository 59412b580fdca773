"""Occurrences of queries in one video, with cosines by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.index.search.occurrences import (
    OccurrenceFinder,
    OccurrenceRules,
    QueryRange,
    VideoParts,
)

FULL = QueryRange(low=0.0, best=1.0, mean=0.2, spread=0.1)  # so that the level is 0.7
ALL = float("-inf")
Found = list[tuple[int, float, float, float]]


def parts_of(*rows: list[float], seconds: float = 1.0) -> VideoParts:
    """Parts of equal length, whose means and peaks are these."""
    values = np.array(rows, np.float64)
    return VideoParts(np.arange(values.shape[1] + 1) * seconds, values, values)


def found_in(parts: VideoParts, rules: OccurrenceRules, *least: float) -> Found:
    finder = OccurrenceFinder([FULL] * len(parts.means), least or [ALL] * len(parts.means), rules)
    return [(one.query, one.start_seconds, one.end_seconds, one.peak) for one in finder.find(parts)]


def test_a_second_has_the_mean_of_the_shortest_windows_that_show_it() -> None:
    starts, ends = np.array([0.0, 1.0, 2.0, 0.0]), np.array([2.0, 3.0, 4.0, 4.0])
    parts = VideoParts.of(starts, ends, np.array([[0.2, 0.6, 1.0, -1.0]], np.float32))
    assert parts.edges.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(parts.means, [[0.2, 0.4, 0.8, 1.0]], atol=1e-6)
    np.testing.assert_allclose(parts.peaks, [[0.2, 0.6, 1.0, 1.0]], atol=1e-6)
    assert parts.seconds == 4


def test_longer_windows_count_only_where_no_shorter_one_is() -> None:
    """As where the index has a frame every ten seconds."""
    starts, ends = np.array([4.0, 14.0, 0.0, 8.0]), np.array([6.0, 16.0, 8.0, 16.0])
    parts = VideoParts.of(starts, ends, np.array([[0.9, 0.1, 0.5, 0.3]], np.float32))
    assert parts.edges.tolist() == [0, 4, 6, 8, 14, 16]
    np.testing.assert_allclose(parts.means, [[0.5, 0.9, 0.5, 0.3, 0.1]], atol=1e-6)


def test_the_last_window_begins_between_seconds() -> None:
    starts, ends = np.array([0.0, 1.0, 1.5]), np.array([2.0, 3.0, 3.5])
    parts = VideoParts.of(starts, ends, np.array([[0.0, 0.6, 0.9]], np.float32))
    assert parts.edges.tolist() == [0, 1, 1.5, 2, 3, 3.5]
    np.testing.assert_allclose(parts.means, [[0.0, 0.3, 0.5, 0.75, 0.9]], atol=1e-6)


def test_the_level_is_seven_tenths_up_from_what_shows_something_else() -> None:
    sample = np.array([0.1] * 9 + [0.5], np.float32)
    query_range = QueryRange.of(sample, best=0.6)
    assert query_range.low == pytest.approx(0.1)
    assert query_range.level == pytest.approx(0.1 + 0.7 * 0.5)
    assert QueryRange.of(sample, 0.6, share=0.6).level == pytest.approx(0.1 + 0.6 * 0.5)
    assert query_range.mean == pytest.approx(0.14)
    assert query_range.spread == pytest.approx(0.12)


def test_occurrences_are_joined_across_short_gaps_and_short_ones_omitted() -> None:
    row = [0.9, 0.2, 0.2, 0.8, 0.1, 0.1, 0.1, 0.75, 0.75, 0.1, 0.7]
    assert found_in(parts_of(row), OccurrenceRules(0, 0)) == [
        (0, 0, 1, 0.9), (0, 3, 4, 0.8), (0, 7, 9, 0.75), (0, 10, 11, 0.7),
    ]  # fmt: skip
    assert found_in(parts_of(row), OccurrenceRules(0, 2)) == [(0, 7, 9, 0.75)]
    assert found_in(parts_of(row), OccurrenceRules(2, 1)) == [(0, 0, 4, 0.9), (0, 7, 11, 0.75)]
    assert found_in(parts_of(row), OccurrenceRules(3, 1)) == [(0, 0, 11, 0.9)]


def test_a_video_shorter_than_the_shortest_occurrence_can_be_one() -> None:
    assert found_in(parts_of([0.9], seconds=0.4), OccurrenceRules(2, 1)) == [(0, 0, 0.4, 0.9)]
    assert found_in(parts_of([0.9, 0.0, 0.0], seconds=0.4), OccurrenceRules(2, 1)) == []


def test_an_occurrence_needs_one_good_window() -> None:
    row = [0.75, 0.75, 0.0, 0.0, 0.0, 0.75, 0.95, 0.75]
    assert found_in(parts_of(row), OccurrenceRules(2, 1), 0.9) == [(0, 5, 8, 0.95)]
    assert found_in(parts_of(row), OccurrenceRules(3, 1), 0.9) == [(0, 0, 8, 0.95)]
    assert found_in(parts_of(row), OccurrenceRules(2, 1), 0.96) == []


def test_parts_that_are_known_to_show_something_else_belong_to_no_occurrence() -> None:
    parts = parts_of([0.9, 0.9, 0.9, 0.9, 0.9])
    denied = parts.within(1.6, 3.2)[None]
    assert denied.tolist() == [[False, False, True, False, False]]
    found = OccurrenceFinder([FULL], [ALL], OccurrenceRules(9, 0)).find(parts, denied)
    assert [(one.start_seconds, one.end_seconds) for one in found] == [(0, 2), (3, 5)]


def test_labels_overlap_unless_they_exclude_each_other() -> None:
    first, second = [0.9, 0.9, 0.8, 0.0, 0.9], [0.0, 0.8, 0.95, 0.95, 0.0]
    both = parts_of(first, second)
    assert found_in(both, OccurrenceRules(0, 0)) == [(0, 0, 3, 0.9), (1, 1, 4, 0.95), (0, 4, 5, 0.9)]
    alone = [(0, 0, 2, 0.9), (1, 2, 4, 0.95), (0, 4, 5, 0.9)]
    assert found_in(both, OccurrenceRules(0, 0, is_exclusive=True)) == alone
    assert found_in(both, OccurrenceRules(9, 0, is_exclusive=True)) == alone, "no gap is bridged over another"


def test_a_label_that_is_too_weak_takes_no_time_from_another() -> None:
    both = parts_of([0.8, 0.8, 0.8], [0.0, 0.85, 0.0])
    rules = OccurrenceRules(0, 0, is_exclusive=True)
    assert found_in(both, rules, ALL, 0.9) == [(0, 0, 3, 0.8)]
    assert found_in(both, rules, ALL, 0.8) == [(0, 0, 1, 0.8), (1, 1, 2, 0.85), (0, 2, 3, 0.8)]


def test_the_most_prominent_is_not_the_one_with_the_highest_cosine() -> None:
    """A text that is close to everything wins only where it is closer than usual."""
    ranges = [QueryRange(0.0, 1.0, mean=0.7, spread=0.1), QueryRange(0.0, 0.8, mean=0.1, spread=0.1)]
    finder = OccurrenceFinder(ranges, [ALL, ALL], OccurrenceRules(0, 0, is_exclusive=True))
    found = finder.find(parts_of([0.9, 0.9], [0.6, 0.0]))
    assert [(one.query, one.start_seconds, one.end_seconds) for one in found] == [(1, 0, 1), (0, 1, 2)]


cosines = st.floats(-1, 1).map(lambda value: round(value, 2))
rows_of_two = st.integers(1, 30).flatmap(
    lambda count: st.lists(st.lists(cosines, min_size=count, max_size=count), min_size=2, max_size=2)
)


@given(rows_of_two, st.sampled_from([0.0, 1.0, 3.0]), st.sampled_from([0.0, 1.0, 2.0]), st.booleans())
def test_occurrences_of_a_label_never_touch_and_stay_in_the_video(
    rows: list[list[float]], gap: float, least: float, exclusive: bool
) -> None:
    found = found_in(parts_of(*rows), OccurrenceRules(gap, least, exclusive))
    for query in (0, 1):
        spans = [(start, end) for label, start, end, _ in found if label == query]
        assert all(0 <= start < end <= len(rows[0]) for start, end in spans)
        assert all(end - start >= min(least, len(rows[0])) for start, end in spans)
        if not exclusive:
            assert all(b[0] - a[1] > gap for a, b in pairwise(spans))
        for start, end in spans:  # it begins and ends with a second that matches
            assert rows[query][int(start)] >= FULL.level
            assert rows[query][int(end) - 1] >= FULL.level
    if exclusive:
        ordered = sorted((start, end) for _, start, end, _ in found)
        assert all(a[1] <= b[0] for a, b in pairwise(ordered))
