"""Which frames represent a video."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decoded_videos import sample_times
from vifi_cli.errors import InvalidInput
from vifi_cli.video.decode.frame_sampling import ROUNDING_SECONDS, FrameChooser, FrameSampling, slot_seconds

DURATIONS = st.floats(0.01, 50_000)
RATES = st.floats(0.05, 30)
MINIMUMS = st.integers(1, 40)


@st.composite
def videos(draw: st.DrawFn) -> list[tuple[float, bool]]:
    """Frames in order of time, with whether each is a keyframe; the first is one."""
    gaps = draw(st.lists(st.sampled_from([0.01, 0.04, 0.2, 1.0, 7.5, 4000.0]), min_size=0, max_size=120))
    seconds = np.cumsum([draw(st.sampled_from([0.0, 0.3, 2.0])), *gaps])
    keys = draw(st.lists(st.booleans(), min_size=len(seconds), max_size=len(seconds)))
    return [
        (float(time), key or index == 0) for index, (time, key) in enumerate(zip(seconds, keys, strict=True))
    ]


def chosen_by_definition(video: list[tuple[float, bool]], width: float, end: float) -> list[float]:
    """The rule of the module's docstring, applied to each slot from the first frame's to the video's end."""
    chosen: list[float] = []
    slots = {math.floor((time + ROUNDING_SECONDS) / width) + offset for time, _ in video for offset in (0, 1)}
    for slot in sorted(slots):
        center = (slot + 0.5) * width
        if center >= end:
            break
        start, stop = slot * width - ROUNDING_SECONDS, (slot + 1) * width - ROUNDING_SECONDS
        keys = [time for time, key in video if key and start <= time < stop]
        on_screen = [time for time, _ in video if time <= center + ROUNDING_SECONDS]
        best = (
            min(keys, key=lambda time: (abs(time - center), time)) if keys else max(on_screen, default=None)
        )
        first_in_slot = video[0][0] < stop
        if best is None and first_in_slot:
            best = video[0][0]
        if best is not None and (not chosen or best > chosen[-1]):
            chosen.append(best)
    return chosen


def chosen_in_order(video: list[tuple[float, bool]], width: float, end: float, *, prune: bool) -> list[float]:
    chooser = FrameChooser(width)
    chosen = []
    for time, key in video:
        chosen += chooser.see(time, key, time)
        if prune:
            assert len(chooser.keep_candidates()) <= 2
    return chosen + chooser.finish(end)


@given(DURATIONS, RATES, MINIMUMS)
def test_wanted_times_are_the_centers_of_slots_within_the_video(
    duration: float, rate: float, minimum: int
) -> None:
    times = sample_times(duration, FrameSampling(rate, minimum))
    assert len(times) >= minimum
    assert 0 < times[0] < times[-1] + 1e-9
    assert times[-1] < duration
    width = slot_seconds(duration, FrameSampling(rate, minimum))
    assert width <= 1 / rate + 1e-9
    np.testing.assert_allclose(np.diff(times), width, rtol=1e-6)


@given(st.floats(10, 10_000), st.floats(0, 0.4))
def test_times_of_a_long_video_do_not_depend_on_its_exact_duration(duration: float, more: float) -> None:
    short, long = sample_times(duration, FrameSampling()), sample_times(duration + more, FrameSampling())
    np.testing.assert_array_equal(short, long[: len(short)])
    assert len(long) - len(short) <= 1


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (8.0, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]),
        (4.0, [0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75]),
    ],
)
def test_short_clips_get_the_minimum(duration: float, expected: list[float]) -> None:
    assert sample_times(duration, FrameSampling()).tolist() == expected


def test_a_video_without_duration_has_one_time() -> None:
    assert len(sample_times(0.0, FrameSampling())) == 1


@given(videos(), st.sampled_from([0.125, 0.5, 1.0, 30.0]), st.floats(0.001, 2))
def test_the_chooser_follows_the_rule(video: list[tuple[float, bool]], width: float, last: float) -> None:
    end = video[-1][0] + last
    assert chosen_in_order(video, width, end, prune=False) == chosen_by_definition(video, width, end)


@given(videos(), st.sampled_from([0.125, 0.5, 1.0, 30.0]))
def test_two_candidates_are_enough_in_order_of_presentation(
    video: list[tuple[float, bool]], width: float
) -> None:
    end = video[-1][0] + 0.04
    pruned = chosen_in_order(video, width, end, prune=True)
    assert pruned == chosen_in_order(video, width, end, prune=False)


@given(videos(), st.sampled_from([0.125, 1.0]), st.integers(1, 4))
def test_the_order_of_decoding_does_not_matter(
    video: list[tuple[float, bool]], width: float, depth: int
) -> None:
    """Frames come up to `depth` places early, as references of earlier ones do."""
    end = video[-1][0] + 0.04
    chooser = FrameChooser(width)
    chosen = []
    for start in range(0, len(video), depth):
        group = video[start : start + depth]
        for time, key in reversed(group):
            chosen += chooser.see(time, key, group[0][0])
    assert chosen + chooser.finish(end) == chosen_in_order(video, width, end, prune=False)


@given(videos(), st.sampled_from([0.125, 1.0, 30.0]))
def test_frames_are_unique_ordered_and_near_the_times_wanted(
    video: list[tuple[float, bool]], width: float
) -> None:
    chosen = chosen_in_order(video, width, video[-1][0] + width, prune=False)
    assert chosen == sorted(set(chosen))
    assert chosen
    shown_until = [following for following, _ in video[1:]] + [math.inf]
    for (seconds, _), until in zip(video, shown_until, strict=True):
        if seconds in chosen:
            next_center = (math.floor((seconds + ROUNDING_SECONDS) / width) + 0.5) * width
            is_near = abs(next_center - seconds) <= width / 2 + ROUNDING_SECONDS
            assert is_near or until > next_center


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_senseless_rates_are_refused(rate: float) -> None:
    with pytest.raises(InvalidInput, match="sampling rate"):
        FrameSampling(rate)


def test_a_minimum_below_one_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        FrameSampling(minimum_frames=0)
