from collections.abc import Iterable
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.index.search.folding import (
    LONGEST_MOMENT_SECONDS,
    ScoredWindow,
    event_level,
    fold_into_moments,
)


def window(start: float, end: float, score: float) -> ScoredWindow:
    return ScoredWindow(1, start, end, score)


def short_windows(scores: list[float]) -> list[ScoredWindow]:
    """Windows of 2 s, one each second."""
    return [window(float(start), start + 2.0, score) for start, score in enumerate(scores)]


def fold(windows: Iterable[ScoredWindow], background: float = 0.0) -> list[ScoredWindow]:
    return fold_into_moments(windows, background=background)


def test_overlapping_windows_of_one_event_become_one_moment() -> None:
    moments = fold([window(10, 12, 0.9), window(11, 13, 0.88), window(8, 16, 0.7), window(0, 32, 0.5)])
    assert moments == [window(10, 13, 0.9)]


def test_shorter_windows_tell_more_exactly_where_the_event_is() -> None:
    moments = fold(
        [window(0, 8, 0.55), window(0, 2, 0.54), window(1, 3, 0.53), window(2, 4, 0.53), window(4, 6, 0.3)]
    )
    assert moments[0] == window(0, 4, 0.55)


def test_windows_that_jut_out_of_the_event_do_not_widen_it() -> None:
    inside = short_windows([0.2, 0.2, 0.2, 0.2, 0.3, 0.4, 0.39, 0.38, 0.4, 0.3, 0.2, 0.2])
    assert fold(inside, background=0.2)[0] == window(5, 10, 0.4)


def test_a_weak_second_between_good_ones_is_taken_along() -> None:
    moments = fold(short_windows([0.9, 0.8, 0.5, 0.5, 0.8, 0.8, 0.8, 0.4, 0.1]))
    assert (moments[0].start_seconds, moments[0].end_seconds) == (0, 8)


def test_two_events_with_a_pause_between_stay_two_moments() -> None:
    moments = fold(short_windows([0.9, 0.8, 0.4, 0.0, 0.0, 0.0, 0.4, 0.8, 0.8, 0.4]))
    assert [(m.start_seconds, m.end_seconds) for m in moments[:2]] == [(0, 3), (7, 10)]


def test_what_is_near_the_best_depends_on_the_background() -> None:
    scores = short_windows([0.74, 0.74, 0.80, 0.74, 0.74])
    assert fold(scores, background=0.7)[0] == window(0, 6, 0.8), "all score 90 % of the best"
    scores = short_windows([0.60, 0.60, 0.80, 0.60, 0.60])
    assert fold(scores, background=0.7)[0] == window(2, 4, 0.8)
    assert fold(scores, background=0.0)[0] == window(0, 6, 0.8)


def test_two_events_stay_two_moments() -> None:
    moments = fold([window(10, 12, 0.9), window(50, 52, 0.8), window(51, 53, 0.2)])
    assert moments == [window(10, 12, 0.9), window(50, 52, 0.8)]


def test_a_chain_of_equal_windows_is_not_glued_into_one_long_moment() -> None:
    chain = [window(float(start), start + 2.0, 0.9) for start in range(300)]
    moments = fold(chain)
    assert len(moments) > 5
    assert max(m.end_seconds - m.start_seconds for m in moments) <= LONGEST_MOMENT_SECONDS


def test_negative_scores_are_widened_by_better_not_worse_windows() -> None:
    assert fold([window(0, 2, -0.1), window(1, 3, -0.2)], -0.3) == [window(0, 2, -0.1)]


windows = st.lists(
    st.builds(
        lambda start, length, score: window(float(start), float(start + length), score),
        st.integers(0, 200),
        st.sampled_from([2, 8, 32]),
        st.floats(-1, 1),
    ),
    max_size=60,
)


@given(windows)
def test_moments_are_bounded_sorted_and_cover_the_best(found: list[ScoredWindow]) -> None:
    moments = fold(found)
    assert all(m.end_seconds - m.start_seconds <= LONGEST_MOMENT_SECONDS for m in moments)
    assert [m.score for m in moments] == sorted((m.score for m in moments), reverse=True)
    if found:
        assert moments[0].score == max(w.score for w in found)
        for w in found:  # nothing vanishes without a better sight of the same stretch
            assert any(
                m.score >= w.score and m.start_seconds < w.end_seconds and m.end_seconds > w.start_seconds
                for m in moments
            )


@given(windows, st.randoms())
def test_order_of_arrival_does_not_matter(found: list[ScoredWindow], random: object) -> None:
    shuffled = found[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(shuffled) == fold(found)


@given(windows, st.integers(1, 5))
def test_the_first_moments_do_not_hang_on_how_many_are_wanted(found: list[ScoredWindow], most: int) -> None:
    assert fold_into_moments(found, background=0.0, most=most) == fold(found)[:most]


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=50), st.integers(2, 20))
def test_a_moment_gains_more_than_any_other_stretch_around_its_best_window(
    eighths: list[int], longest: int
) -> None:
    scores = [eighth / 8 for eighth in eighths]
    found = short_windows(scores)
    moment = fold_into_moments(found, background=-1.0, longest_seconds=longest)[0]
    level = event_level(moment.score, -1.0)
    seconds = [mean(scores[max(second - 1, 0) : second + 1]) - level for second in range(len(scores) + 1)]

    def gain(start: int, end: int) -> float:
        return sum(seconds[start:end])

    best = scores.index(max(scores))
    possible = [
        (start, end)
        for start in range(best + 1)
        for end in range(best + 2, len(seconds) + 1)
        if end - start <= longest
    ]
    most = max(gain(*stretch) for stretch in possible)
    assert gain(int(moment.start_seconds), int(moment.end_seconds)) >= most - 1e-9
