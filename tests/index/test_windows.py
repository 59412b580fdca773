import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.index.windows import (
    WINDOW_SECONDS,
    Window,
    frames_within,
    mean_embedding,
    stretch_embedding,
    window_embeddings,
    windows_of,
)
from vifi_cli.video.clips.clip_cutting import overlapping_starts

durations = st.floats(min_value=0.04, max_value=5000.0)


def grid(duration: float, rate: float = 1.0, minimum: int = 8) -> np.ndarray:
    count = max(minimum, int(duration * rate))
    return (np.arange(count) + 0.5) * duration / count


@given(durations)
def test_every_frame_lies_in_a_moment_and_in_the_whole(duration: float) -> None:
    seconds = grid(duration)
    *moments, whole = windows_of(seconds, duration)
    assert (whole.first_frame, whole.end_frame, whole.is_whole) == (0, len(seconds), True)
    covered = {frame for window in moments for frame in range(window.first_frame, window.end_frame)}
    assert covered == set(range(len(seconds)))


@given(durations)
def test_windows_lie_in_the_video_hold_their_frames_and_differ(duration: float) -> None:
    seconds = grid(duration)
    *moments, _ = windows_of(seconds, duration)
    spans = [(window.first_frame, window.end_frame) for window in moments]
    assert len(set(spans)) == len(spans)
    for window in moments:
        assert 0 <= window.start_seconds < window.end_seconds <= duration + 1e-6
        inside = seconds[window.first_frame : window.end_frame]
        assert len(inside)
        assert inside[0] >= window.start_seconds - 1e-9
        assert inside[-1] <= window.end_seconds + 1e-9
        assert window.end_seconds - window.start_seconds <= max(WINDOW_SECONDS) + 1e-9 or duration < min(
            WINDOW_SECONDS
        )


def test_an_event_of_any_length_lies_well_inside_a_window() -> None:
    seconds = grid(600.0)
    *moments, _ = windows_of(seconds, 600.0)
    for start in np.arange(0.0, 560.0, 3.7):
        for length in (1.0, 4.0, 16.0):
            inside = [
                w
                for w in moments
                if w.start_seconds <= start
                and w.end_seconds >= start + length
                and w.end_seconds - w.start_seconds <= 4 * length + 2
            ]
            assert inside, (start, length)


def test_hand_computed_windows() -> None:
    windows = windows_of(np.arange(10) + 0.5, 10.0, (4.0,))
    assert [(w.start_seconds, w.end_seconds, w.first_frame, w.end_frame) for w in windows] == [
        (0.0, 4.0, 0, 4),
        (2.0, 6.0, 2, 6),
        (4.0, 8.0, 4, 8),
        (6.0, 10.0, 6, 10),
        (0.0, 10.0, 0, 10),
    ]


def test_a_single_frame_gives_one_moment_and_the_whole() -> None:
    moment, whole = windows_of(np.array([0.0]), 0.04)
    assert (moment.first_frame, moment.end_frame, moment.is_whole) == (0, 1, False)
    assert whole.is_whole


@pytest.mark.parametrize("seconds", [[0.0], [-0.1], [-0.2, -0.1]])
def test_frames_that_last_no_time_give_a_moment_all_the_same(seconds: list[float]) -> None:
    """As in a damaged file, whose durations may be 0."""
    moment, whole = windows_of(np.array(seconds), 0.0)
    assert (moment.first_frame, moment.end_frame) == (whole.first_frame, whole.end_frame) == (0, len(seconds))
    assert moment.start_seconds == 0.0 < moment.end_seconds == whole.end_seconds


def test_a_frame_at_the_very_end_is_not_lost() -> None:
    *moments, _ = windows_of(np.array([0.0, 5.0, 10.0]), 10.0)
    assert any(window.end_frame == 3 for window in moments)


def test_embeddings_are_means_of_unnormalised_frames_with_length_one() -> None:
    frames = np.array([[1.0, 0.0], [0.0, 3.0], [2.0, 0.0]], np.float16)
    spans = np.array([[0, 2], [1, 3], [0, 3]])
    expected = np.array([[0.5, 1.5], [1.0, 1.5], [1.0, 1.0]])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(window_embeddings(frames, spans), expected, atol=1e-6)


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_embeddings_agree_with_averaging_one_by_one(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    frames = random.normal(2.0, 5.0, (count, 16)).astype(np.float16)
    first = random.integers(0, count, 5)
    end = random.integers(first + 1, count + 1)
    for row, (a, b) in zip(
        window_embeddings(frames, np.stack([first, end], 1)), zip(first, end, strict=True), strict=True
    ):
        mean = frames[a:b].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_a_window_has_exactly_the_same_embedding_whatever_else_is_averaged(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    frames = random.normal(0.0, 4.0 ** random.integers(-6, 6), (count, 16)).astype(np.float16)
    first = random.integers(0, count, 7)
    spans = np.stack([first, random.integers(first + 1, count + 1)], 1)
    together = window_embeddings(frames, spans)
    for (a, b), row in zip(spans, together, strict=True):
        np.testing.assert_array_equal(window_embeddings(frames, np.array([[a, b]]))[0], row)
        np.testing.assert_array_equal(mean_embedding(frames[a:b]), row)
        np.testing.assert_array_equal(stretch_embedding(np.arange(count) + 0.5, frames, a, b), row)


def test_frames_that_are_all_zero_give_zero() -> None:
    assert not window_embeddings(np.zeros((2, 4), np.float16), np.array([[0, 2]])).any()


@pytest.mark.parametrize("count", [3600, 36_000])
def test_number_of_windows_grows_with_length_only(count: int) -> None:
    windows = windows_of(np.arange(count) + 0.5, float(count))
    assert len(windows) == pytest.approx(count * (1 + 1 / 4 + 1 / 16), rel=0.01)


@given(durations, st.sampled_from([0.5, 2.0, 3.0, 8.0, 10.0, 30.0]))
def test_windows_of_clips_hold_complete_clips_and_each_clip_is_in_a_moment(
    duration: float, clip: float
) -> None:
    starts = overlapping_starts(duration, clip)
    *moments, whole = windows_of(starts, duration, clip_seconds=clip)
    assert (whole.first_frame, whole.end_frame) == (0, len(starts))
    covered = {number for window in moments for number in range(window.first_frame, window.end_frame)}
    assert covered == set(range(len(starts)))
    for window in moments:
        held = starts[window.first_frame : window.end_frame]
        assert held[0] >= window.start_seconds - 0.002
        assert held[-1] + min(clip, duration) <= window.end_seconds + 0.002
    shortest = min(window.end_seconds - window.start_seconds for window in moments)
    assert shortest == pytest.approx(min(clip, duration))
    gaps = np.diff(sorted({round(window.start_seconds, 6) for window in moments}))
    assert gaps.max(initial=0.0) <= clip / 2 + 0.002  # no time is left out


def test_a_window_as_long_as_a_clip_is_that_clip_and_a_longer_one_the_mean_of_those_in_it() -> None:
    starts = overlapping_starts(12.0, 2.0)  # 0, 1 … 10
    spans = {
        (window.start_seconds, window.end_seconds): (window.first_frame, window.end_frame)
        for window in windows_of(starts, 12.0, clip_seconds=2.0)
    }
    assert spans[3.0, 5.0] == (3, 4)
    assert spans[4.0, 12.0] == (4, 11)  # the clips that begin at 4, 5 … 10
    assert spans[0.0, 12.0] == (0, 11)
    assert {end - start for start, end in spans} == {2.0, 8.0, 12.0}
    assert {end - start for start, end in _spans(windows_of(starts, 12.0, clip_seconds=3.0))} == {
        3.0,
        8.0,
        12.0,
    }
    assert {end - start for start, end in _spans(windows_of(starts, 12.0, clip_seconds=6.0))} == {6.0, 12.0}


def _spans(windows: list[Window]) -> list[tuple[float, float]]:
    return [(window.start_seconds, window.end_seconds) for window in windows]


def test_any_part_has_the_clips_in_it_or_the_one_that_shows_its_middle() -> None:
    starts = overlapping_starts(12.0, 2.0)
    for start, end, found in (
        (3.0, 5.0, (3, 4)),
        (3.0004, 4.9996, (3, 4)),  # as rounded for the screen
        (2.5, 6.5, (3, 5)),
        (4.2, 5.0, (4, 5)),
        (0.0, 0.3, (0, 1)),
        (11.9, 12.0, (10, 11)),
        (0.0, np.inf, (0, 11)),
    ):
        assert frames_within(starts, start, end, clip_seconds=2.0) == found
    assert frames_within(np.array([0.0]), 0.2, 0.4, clip_seconds=2.0) == (0, 1)  # a video shorter than a clip
