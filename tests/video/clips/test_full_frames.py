"""Full frames with their times: those of a test clip, or at a steady rate, from a video or a part of it."""

from pathlib import Path

import numpy as np
import pytest

from tests.made_videos import frame_number, numbered_frames, solid_colour_clip, write_video
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.video.clips.clip_sampling import test_frame_indices as frames_of_test
from vifi_cli.video.clips.full_frames import clip_frames, expected_frames, frame_seconds, steady_frames
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.moment import TimeRange


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames at 10 a second, B-frames among them."""
    path = tmp_path_factory.mktemp("whole") / "numbered.mp4"
    return write_video(path, numbered_frames(40), fps=10, b_frames=2)


def test_a_clip_has_the_frames_of_a_test_with_their_times(numbered: Path) -> None:
    clip = clip_frames(numbered, 8)
    numbers = frames_of_test(40, 8)
    assert [frame_number(frame.picture) for frame in clip] == numbers.tolist()
    assert [frame.seconds for frame in clip] == pytest.approx(numbers / 10)
    np.testing.assert_array_equal(
        np.stack([frame.picture for frame in clip]), read_clip(numbered, lambda total: numbers, 64)
    )


def test_a_clip_of_a_part_is_the_test_clip_of_that_part(numbered: Path) -> None:
    clip = clip_frames(numbered, 4, TimeRange(1.0, 2.0))
    assert [frame_number(frame.picture) for frame in clip] == (10 + frames_of_test(10, 4)).tolist()


def test_times_are_those_of_the_packets_also_where_the_rate_changes(tmp_path: Path) -> None:
    seconds = [0.0, 0.1, 0.2, 1.2, 2.2, 3.2]
    path = write_video(
        tmp_path / "uneven.mp4", numbered_frames(6), frame_seconds=seconds, start_seconds=5.0, b_frames=2
    )
    np.testing.assert_allclose(frame_seconds(path, 6), seconds, atol=1e-3)
    part = clip_frames(path, 2, TimeRange(1.0, 3.0))
    assert [frame_number(frame.picture) for frame in part] == [3, 4]


def test_times_without_trusted_packets_are_even(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", numbered_frames(12), fps=4, codec="mpeg4", b_frames=2)
    np.testing.assert_allclose(frame_seconds(path, 12), np.arange(12) / 4, atol=0.01)
    assert [frame.seconds for frame in clip_frames(path, 3)] == pytest.approx([0.5, 1.5, 2.5], abs=0.01)


def test_steady_frames_come_at_their_rate_and_at_the_video_s_own_size(numbered: Path) -> None:
    frames = list(steady_frames(numbered, 5))
    assert len(frames) == 20 == expected_frames(numbered, 5)
    for slot, frame in enumerate(frames):
        assert frame.picture.shape == (64, 160, 3)
        assert frame_number(frame.picture) == round(frame.seconds * 10)
        assert abs(frame.seconds - (slot + 0.5) / 5) <= 0.1 + 1e-6


def test_steady_frames_of_a_part(numbered: Path) -> None:
    seconds = [frame.seconds for frame in steady_frames(numbered, 10, TimeRange(1.5, 2.5))]
    assert seconds == pytest.approx(np.arange(15, 25) / 10)
    assert expected_frames(numbered, 10, TimeRange(1.5, 2.5)) == 10


def test_a_rate_that_the_video_has_not_gives_each_frame_once(numbered: Path) -> None:
    assert [frame_number(frame.picture) for frame in steady_frames(numbered, 50)] == list(range(40))


def test_pictures_are_upright_and_of_bounded_size(tmp_path: Path) -> None:
    turned = solid_colour_clip(tmp_path / "turned.mp4", [("red", 0.5)], rotation=90)
    large = solid_colour_clip(tmp_path / "large.mp4", [("red", 0.2)], height=1200, width=1600)
    for frames in (steady_frames(turned, 5), clip_frames(turned, 2)):
        assert next(iter(frames)).picture.shape == (64, 48, 3)
    for frames in (steady_frames(large, 5), clip_frames(large, 1)):
        assert next(iter(frames)).picture.shape == (1080, 1440, 3)


def test_what_is_not_there_is_said(numbered: Path, tmp_path: Path) -> None:
    for start, end, said in ((10.0, 20.0, "from 10 to 20 s"), (4.5, np.inf, "from 4.5 s on")):
        for frames in (clip_frames, steady_frames):
            with pytest.raises(InvalidInput, match=rf"no frame {said}: the last one is at 3\.[89] s"):
                list(frames(numbered, 4, TimeRange(start, end)))  # type: ignore[operator]
    with pytest.raises(InvalidInput, match="nothing from 3 to 2 s"):
        TimeRange(3, 2)
    (tmp_path / "text.mp4").write_text("no video")
    for frames in (clip_frames, steady_frames):
        with pytest.raises(UnreadableVideo):
            list(frames(tmp_path / "text.mp4", 4))  # type: ignore[operator]
