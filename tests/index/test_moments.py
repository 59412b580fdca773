from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.index.moments import LONGEST_MOMENT_SECONDS, ScoredWindow, fold_into_moments


def window(start: float, end: float, score: float) -> ScoredWindow:
    return ScoredWindow(1, start, end, score)


def test_overlapping_windows_of_one_event_become_one_moment() -> None:
    moments = fold_into_moments(
        [window(10, 12, 0.9), window(11, 13, 0.88), window(8, 16, 0.7), window(0, 32, 0.5)]
    )
    assert moments == [window(10, 13, 0.9)]


def test_shorter_windows_tell_more_exactly_where_the_event_is() -> None:
    moments = fold_into_moments(
        [window(0, 8, 0.55), window(0, 2, 0.54), window(1, 3, 0.53), window(2, 4, 0.53), window(4, 6, 0.3)]
    )
    assert moments[0] == window(0, 4, 0.55)


def test_two_events_stay_two_moments() -> None:
    moments = fold_into_moments([window(10, 12, 0.9), window(50, 52, 0.8), window(51, 53, 0.5)])
    assert moments == [window(10, 12, 0.9), window(50, 52, 0.8)]


def test_a_chain_of_equal_windows_is_not_glued_into_one_long_moment() -> None:
    chain = [window(float(start), start + 2.0, 0.9) for start in range(300)]
    moments = fold_into_moments(chain)
    assert len(moments) > 5
    assert max(m.end_seconds - m.start_seconds for m in moments) <= LONGEST_MOMENT_SECONDS


def test_negative_scores_are_widened_by_better_not_worse_windows() -> None:
    assert fold_into_moments([window(0, 2, -0.1), window(1, 3, -0.2)]) == [window(0, 2, -0.1)]


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
    moments = fold_into_moments(found)
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
    assert [m.score for m in fold_into_moments(shuffled)] == [m.score for m in fold_into_moments(found)]


@given(windows, st.integers(1, 5))
def test_the_first_moments_do_not_hang_on_how_many_are_wanted(found: list[ScoredWindow], most: int) -> None:
    assert fold_into_moments(found, most=most) == fold_into_moments(found)[:most]
