"""The frames of a part of a file are those shown from its start on and before its end, in every format."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made_videos import damaged, frame_number, numbered_frames, recordings_joined, write_video
from tests.video.clips.test_reader import FORMATS, every_frame
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.clip_sampling import test_frame_indices as frames_of_test
from vifi_cli.video.clips.part_frames import NothingInPart, decode_part, holds, list_part
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange

Numbers = np.typing.NDArray[np.int64]


def all_frames(total: int) -> Numbers:
    return np.arange(total)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 frames at 10 a second, a keyframe every 12, B-frames among them."""
    path = tmp_path_factory.mktemp("parts") / "numbered.mp4"
    return write_video(path, numbered_frames(600), fps=10, b_frames=2)


@pytest.mark.parametrize("name", FORMATS)
def test_a_part_has_the_frames_shown_in_it(tmp_path: Path, name: str) -> None:
    options = {"gop": 12, "fps": 10, **FORMATS[name]}
    path = write_video(tmp_path / name, numbered_frames(75), **options)
    expected, rate = every_frame(path, 32), options["fps"]
    for first, end in ((0, 20), (12, 13), (25, 47), (60, 75), (70, 75)):
        part = TimeRange(first / rate, end / rate)
        np.testing.assert_array_equal(read_clip(path, all_frames, 32, part), expected[first:end])
        assert [round(seconds * rate) for seconds, _ in decode_part(path, part)] == list(range(first, end))


def test_only_the_packets_around_a_part_are_read(numbered: Path) -> None:
    listed = list_part(numbered, TimeRange(30.0, 31.0))
    assert listed is not None
    assert listed.seconds == pytest.approx(np.arange(300, 310) / 10)
    assert len(listed.packets) < 40
    assert [number for number, _ in listed.decode(np.array([3, 7]))] == [3, 7]


def test_a_test_clip_of_a_part_is_that_of_the_same_frames_in_a_file_of_their_own(numbered: Path) -> None:
    clip = read_clip(numbered, lambda total: frames_of_test(total, 8), 64, TimeRange(20.0, 24.0))
    assert [frame_number(picture) for picture in clip] == (200 + frames_of_test(40, 8)).tolist()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=4, unique=True))
def test_parts_that_follow_each_other_share_no_frame_and_lose_none(numbered: Path, tenths: list[int]) -> None:
    edges = [0.0, *(place / 10 for place in sorted({*tenths} - {0})), np.inf]
    found: list[float] = []
    for start, end in pairwise(edges):
        try:
            listed = list_part(numbered, TimeRange(start, end))
        except NothingInPart:
            assert start >= 60
            continue
        assert listed is not None
        assert start <= listed.seconds[0] + 1e-9
        assert listed.seconds[-1] < end
        found += listed.seconds.tolist()
    assert found == pytest.approx(np.arange(600) / 10)


times = st.integers(0, 10**7).map(lambda ticks: ticks / 12_800)


@given(st.lists(times, max_size=20), times, times, times)
def test_each_frame_is_in_one_of_two_adjacent_parts(
    frames: list[float], first: float, second: float, third: float
) -> None:
    start, middle, end = sorted((first, second, third))
    if not start < middle < end:
        return
    seconds = np.array(frames)
    before, after, both = (
        holds(TimeRange(*edges), seconds) for edges in ((start, middle), (middle, end), (start, end))
    )
    assert not (before & after).any()
    np.testing.assert_array_equal(before | after, both)
    for time, is_in in zip(frames, both.tolist(), strict=True):
        if start <= time < end - 0.001:
            assert is_in
        if time < start - 0.0011 or time >= end:
            assert not is_in


def test_times_rounded_by_the_container_do_not_move_a_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", numbered_frames(60), fps=30)  # Matroska has milliseconds
    for first in range(0, 50, 7):
        clip = read_clip(path, all_frames, 64, TimeRange(first / 30, (first + 10) / 30))
        assert [frame_number(picture) for picture in clip] == list(range(first, first + 10))


def test_parts_follow_the_clock_of_joined_recordings(tmp_path: Path) -> None:
    path = recordings_joined(tmp_path, fps=10, gop=5)
    clip = read_clip(path, all_frames, 64, TimeRange(1.5, 2.5))
    assert [frame_number(picture) for picture in clip] == [*range(15, 20), *range(5)]


def test_a_file_whose_times_begin_late_counts_from_its_first_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "late.mp4", numbered_frames(40), start_seconds=7.0, b_frames=2)
    clip = read_clip(path, all_frames, 64, TimeRange(1.0, 1.5))
    assert [frame_number(picture) for picture in clip] == list(range(10, 15))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (TimeRange(60.0, 70.0), "no frame from 60 to 70 s: the last one is at 59.9 s"),
        (TimeRange(1000.0), "no frame from 1000 s on: the last one is at 59.9 s"),
        (TimeRange(1.05, 1.08), "no frame from 1.05 to 1.08 s"),
    ],
)
def test_a_part_without_a_frame_is_unreadable(
    numbered: Path, tmp_path: Path, part: TimeRange, said: str
) -> None:
    stores = (ClipStore(32), ClipStore(32, folder=tmp_path / "cache", budget_bytes=10**9))
    for read in (*(store.read for store in stores),):
        with pytest.raises(UnreadableVideo) as caught:
            read(numbered, all_frames, part)
        assert str(caught.value) == said
    with pytest.raises(NothingInPart):
        list(decode_part(numbered, part))


def test_a_part_that_ends_after_the_file_has_the_frames_there_are(numbered: Path) -> None:
    clip = read_clip(numbered, all_frames, 64, TimeRange(59.0, 75.0))
    assert [frame_number(picture) for picture in clip] == list(range(590, 600))


def test_damage_elsewhere_in_the_file_does_not_matter(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", numbered_frames(300), gop=10)
    damaged(path, 0.2, 0.3)
    clip = read_clip(path, all_frames, 64, TimeRange(25.0, 26.0))
    assert [frame_number(picture) for picture in clip] == list(range(250, 260))


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.webm"])
def test_a_cache_keeps_parts_apart_and_no_more_of_a_file_than_them(tmp_path: Path, name: str) -> None:
    options = {"a.mp4": {}, "a.avi": {"codec": "mpeg4", "b_frames": 2}, "a.webm": {"codec": "vp8"}}[name]
    path = write_video(tmp_path / name, numbered_frames(60), **options)  # type: ignore[arg-type]
    store = ClipStore(32, folder=tmp_path / "cache", budget_bytes=10**9)
    choose: Callable[[int], Numbers] = all_frames
    for part in (TimeRange(1.0, 2.0), TimeRange(1.5, 2.5), TimeRange(1.0, 2.5), TimeRange(5.0)):
        expected = read_clip(path, choose, 32, part)
        for _ in range(2):
            np.testing.assert_array_equal(store.read(path, choose, part), expected)
    kept = [file.stat().st_size for file in (tmp_path / "cache").glob("*.clip")]
    assert sorted(kept) == [24 + frames * (4 + 32 * 80 * 3) for frames in (10, 10, 10, 15)]
    np.testing.assert_array_equal(store.read(path, choose), ClipStore(32).read(path, choose))


def test_old_entries_of_complete_videos_are_still_found(numbered: Path, tmp_path: Path) -> None:
    store = ClipStore(32, folder=tmp_path / "cache", budget_bytes=10**9)
    store.read(numbered, all_frames)
    (entry,) = (tmp_path / "cache").glob("*.clip")
    store.read(numbered, all_frames, replace(WHOLE_VIDEO))
    assert list((tmp_path / "cache").glob("*.clip")) == [entry]
