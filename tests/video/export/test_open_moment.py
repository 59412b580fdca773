"""The frames of a moment are exactly those on screen in it, whatever the file's keyframes, times and container."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decoded_videos import read_video
from tests.made_videos import frame_number, numbered_frames, recordings_joined, write_video
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.open_moment import ShownFrame, open_moment
from vifi_cli.video.moment import Moment
from vifi_cli.video.pictures.frames import FrameGeometry

FRAMES, RATE = 60, 10.0


def shown(path: Path, start: float, end: float) -> list[ShownFrame]:
    with open_moment(Moment(path, start, end)) as moment:
        return list(moment.frames())


def numbers(frames: list[ShownFrame]) -> list[int]:
    return [frame_number(shown.frame.to_ndarray(format="rgb24")) for shown in frames]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("moment") / "numbers.mp4"
    return write_video(path, numbered_frames(FRAMES), fps=RATE, gop=12, b_frames=2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("long_gop.mp4", {"gop": 60, "b_frames": 3}),
        ("keyframes.mp4", {"gop": 1}),
        ("late.mp4", {"start_seconds": 1.4}),
        ("late.mkv", {"start_seconds": 1.4, "gop": 7, "b_frames": 2}),
        ("stream.ts", {"gop": 20, "b_frames": 2, "start_seconds": 10.0}),
        ("programme.mpg", {"codec": "mpeg2video", "fps": 25.0}),
        ("hevc.mp4", {"codec": "hevc", "b_frames": 3}),
        ("vp9.webm", {"codec": "vp9"}),
        ("bare.h264", {"fps": 25.0, "container": "h264"}),
    ],
)
def test_first_and_last_frame_are_the_wanted_ones(
    tmp_path: Path, name: str, options: dict[str, object]
) -> None:
    rate = float(str(options.get("fps", RATE)))
    path = write_video(tmp_path / name, numbered_frames(FRAMES), **{"fps": rate, **options})  # type: ignore[arg-type]
    for first, last in ((0, 0), (0, FRAMES - 1), (1, 12), (23, 24), (35, 59), (59, 59)):
        frames = shown(path, first / rate, (last + 1) / rate)
        assert numbers(frames) == list(range(first, last + 1))
        assert frames[0].start_seconds == pytest.approx(first / rate, abs=1e-3)
        assert frames[-1].end_seconds == pytest.approx((last + 1) / rate, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 5.99), st.floats(0.01, 3))
def test_a_moment_begins_with_the_frame_on_screen_and_ends_with_the_last_before_its_end(
    video: Path, start: float, length: float
) -> None:
    frames = numbers(shown(video, start, start + length))
    assert frames[0] == math.floor((start + 1e-3) * RATE)
    assert frames[-1] == min(max(frames[0], math.ceil((start + length - 1e-3) * RATE) - 1), FRAMES - 1)
    assert frames == list(range(frames[0], frames[-1] + 1))


def test_no_more_is_read_than_from_the_keyframe_on(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.mp4", numbered_frames(600), gop=30, b_frames=2)
    with open_moment(Moment(path, 50.0, 51.0)) as moment:
        assert numbers(list(moment.frames())) == list(range(500, 510))
        assert moment.video.packets_read < 60


def test_times_told_to_the_millisecond_lose_no_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "ntsc.mp4", numbered_frames(90), fps=30000 / 1001)
    for first in range(0, 80, 7):
        start, end = (round(frame * 1001 / 30000, 3) for frame in (first, first + 5))
        assert numbers(shown(path, start, end)) == list(range(first, first + 5))


def test_moments_that_touch_between_frames_share_none_and_leave_none_out(video: Path) -> None:
    cuts = [0.0, 0.3, 1.2, 1.3, 3.0, math.inf]
    parts = [shown(video, start, end) for start, end in pairwise(cuts)]
    assert [number for part in parts for number in numbers(part)] == list(range(FRAMES))


def test_frames_have_the_times_that_indexing_gave_them(tmp_path: Path) -> None:
    """An AVI with B-frames stores no times; those made up must be the same everywhere."""
    path = write_video(tmp_path / "old.avi", numbered_frames(FRAMES), codec="mpeg4", b_frames=2)
    indexed, _ = read_video(path, FrameSampling(RATE), FrameGeometry(32, 80, resize="squash"))
    for seconds, pixels in list(zip(indexed.seconds.tolist(), indexed.pixels, strict=True))[5::9]:
        assert numbers(shown(path, seconds, seconds + 0.05)) == [frame_number(pixels)]


def test_a_frame_that_stays_on_screen_is_cut_in_its_midst(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.2, 5.0, 5.1, 5.2, 5.3, 5.4, 12.0]
    path = write_video(tmp_path / "slides.mp4", numbered_frames(len(times)), frame_seconds=times)
    frames = shown(path, 3.0, 5.15)
    assert numbers(frames) == [2, 3, 4]
    assert [f.start_seconds for f in frames] == pytest.approx([3.0, 5.0, 5.1], abs=1e-3)
    assert frames[-1].end_seconds == pytest.approx(5.2, abs=1e-3)
    frames = shown(path, 5.3, 8.0)
    assert numbers(frames) == [6, 7]
    assert frames[-1].end_seconds == pytest.approx(8.0, abs=1e-3)


def test_a_moment_past_the_end_has_a_reason(video: Path) -> None:
    with pytest.raises(UnreadableVideo, match=r"it ends at 6\.0 s, before 7\.0 s"):
        shown(video, 7.0, 8.0)
    assert numbers(shown(video, 5.8, 100.0)) == [58, 59]


def test_a_clock_set_back_on_the_way_is_read_on(tmp_path: Path) -> None:
    joined = recordings_joined(tmp_path)
    with open_moment(Moment(joined, 0.0, math.inf)) as moment:
        frames = list(moment.frames())
    assert numbers(frames) == [*range(20), *range(20)]
    assert frames[-1].end_seconds == pytest.approx(4.0, abs=0.001)
    assert numbers(shown(joined, 2.5, 3.5)) == list(range(5, 15))
    assert numbers(shown(joined, 1.5, 2.5)) == [*range(15, 20), *range(5)]


@pytest.mark.parametrize(("start", "end"), [(-1.0, 2.0), (2.0, 2.0), (3.0, 1.0), (math.nan, 1.0)])
def test_a_moment_ends_after_it_begins(tmp_path: Path, start: float, end: float) -> None:
    with pytest.raises(InvalidInput, match="ends after it begins"):
        Moment(tmp_path, start, end)
