import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.video.clips.clip_cutting import (
    SINGLE_FRAME,
    ClipCutter,
    ClipLength,
    Clips,
    frames_at_even_times,
    overlapping_starts,
)
from vifi_cli.video.pictures.frames import Frames

LENGTH = ClipLength(4, 2.0)


def frames_at(seconds: np.ndarray) -> Frames:
    """Frames of 1 x 1 pixels that show their own number, modulo 256, in three digits."""
    number = np.arange(len(seconds))
    digits = np.stack([number // 65536, number // 256 % 256, number % 256], axis=1)
    return Frames(digits.astype(np.uint8)[:, None, None], seconds)


def numbers(clips: Clips) -> np.ndarray:
    """The number of each frame (N, T)."""
    digits = clips.pixels[:, :, 0, 0].astype(np.int64)
    return digits @ np.array([65536, 256, 1])


def cut(
    seconds: np.ndarray, end: float, length: ClipLength = LENGTH, at_once: int = 3, first: float = 0.0
) -> Clips:
    frames, cutter, parts = frames_at(seconds), ClipCutter(length, first), []
    for start in range(0, len(seconds), at_once):
        part = slice(start, start + at_once)
        parts.append(cutter.add(Frames(frames.pixels[part], seconds[part])))
    last = cutter.finish(end)
    parts += [last] if last else []
    return Clips(
        np.concatenate([part.pixels for part in parts]), np.concatenate([part.seconds for part in parts])
    )


def test_clips_overlap_by_half_and_the_last_one_ends_with_the_video() -> None:
    clips = cut(np.arange(11) / 2 + 0.25, 5.5)  # two frames a second
    assert clips.seconds.tolist() == [0.0, 1.0, 2.0, 3.0, 3.5]
    assert numbers(clips).tolist() == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 8, 9], [7, 8, 9, 10]]


def test_a_frame_encoder_sees_every_frame_at_once() -> None:
    clips = cut(np.array([0.5, 1.5, 9.0]), 10.0, SINGLE_FRAME)
    assert clips.pixels.shape == (3, 1, 1, 1, 3)
    assert clips.seconds.tolist() == [0.5, 1.5, 9.0]


@pytest.mark.parametrize(
    ("seconds", "end", "seen"),
    [
        ([0.0], 0.04, [0, 0, 0, 0]),  # a single picture
        ([0.1, 0.4], 0.5, [0, 0, 1, 1]),
        ([0.125, 0.375, 0.625, 0.875], 1.0, [0, 1, 2, 3]),  # half as long as a clip: all of it
        ([-0.01, 0.6, 1.1, 1.6], 2.0, [0, 1, 2, 3]),
        ([0.0, 0.5, 1.0, 2.5], 2.0, [1, 2, 2, 3]),  # a frame after the declared end: the last clip ends there
    ],
)
def test_a_short_video_is_one_clip_of_all_its_frames(
    seconds: list[float], end: float, seen: list[int]
) -> None:
    clips = cut(np.array(seconds), end)
    assert numbers(clips)[-1].tolist() == seen
    assert len(clips) == (2 if seconds[-1] > 2 else 1)


def test_a_gap_has_no_clips_and_takes_no_time() -> None:
    clips = cut(np.array([0.0, 0.5, 1e6, 1e6 + 0.5]), 1e6 + 1)
    assert clips.seconds.tolist() == [0.0, 999_999.0]
    assert numbers(clips).tolist() == [[0, 1, 1, 1], [2, 2, 2, 3]]
    still = cut(np.array([0.0]), 3600.0)  # one picture for an hour
    assert (still.seconds.tolist(), numbers(still).tolist()) == ([0.0], [[0, 0, 0, 0]])


@given(
    gaps=st.lists(st.sampled_from([0.04, 0.1, 0.25, 0.5, 1.0, 3.0, 50.0]), min_size=1, max_size=60),
    rest=st.sampled_from([0.0, 0.1, 1.0, 7.0]),
    length=st.sampled_from([LENGTH, ClipLength(8, 2.0), ClipLength(3, 1.7), ClipLength(16, 10.0)]),
    at_once=st.integers(1, 70),
)
def test_what_arrives_in_parts_is_cut_as_all_at_once(
    gaps: list[float], rest: float, length: ClipLength, at_once: int
) -> None:
    seconds = np.cumsum(gaps) - gaps[0]
    end = float(seconds[-1]) + rest
    expected_starts, expected = [], []
    for start in overlapping_starts(end, length.seconds):
        is_last = start == max(end - length.seconds, 0.0)
        inside = (seconds >= start) & ((seconds < start + length.seconds) | is_last)
        if inside.any():
            shorter = ClipLength(length.frames, min(length.seconds, end) or length.seconds)
            first = int(np.flatnonzero(inside)[0])
            expected.append((first + frames_at_even_times(seconds[inside], start, shorter)).tolist())
            expected_starts.append(start)
    clips = cut(seconds, end, length, at_once)
    assert clips.seconds.tolist() == expected_starts
    assert numbers(clips).tolist() == expected


def test_only_the_frames_of_one_clip_are_kept() -> None:
    cutter = ClipCutter(LENGTH)
    for start in range(0, 4000, 32):
        cutter.add(frames_at(start / 16 + np.arange(32) / 16))
    assert cutter._kept is not None
    assert len(cutter._kept) <= 2 * 16 + 1
    assert cutter._kept.pixels.base is None  # it is not a view of all that came


def test_a_part_far_into_a_video_is_cut_at_the_same_places() -> None:
    seconds = np.arange(400) / 4 + 0.125
    complete = cut(seconds, 100.0)
    part = seconds > 49.0
    later = cut(seconds[part], 100.0, first=49.5)
    assert later.seconds.tolist() == complete.seconds[50:].tolist()
    assert (numbers(later) + int(np.flatnonzero(part)[0])).tolist() == numbers(complete)[50:].tolist()


@pytest.mark.parametrize(
    ("frames", "seconds"), [(0, 1.0), (8, 0.0), (8, -1.0), (8, float("inf")), (1, float("nan"))]
)
def test_a_length_that_makes_no_sense_is_refused(frames: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="a clip has"):
        ClipLength(frames, seconds)
