"""Previews show the full moment in little time, upright, in the shape the video is shown in."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.made_videos import frame_number, numbered_frames, solid_colour_clip, write_video
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.preview import animated_webp, preview_pictures, still
from vifi_cli.video.moment import Moment


def numbers(pictures: list[Image.Image]) -> list[int]:
    return [frame_number(np.asarray(picture)) for picture in pictures]


def test_a_short_moment_runs_at_its_own_pace(tmp_path: Path) -> None:
    path = write_video(tmp_path / "numbers.mp4", numbered_frames(80), fps=16.0)
    assert numbers(preview_pictures(Moment(path, 1.0, 3.0), 64)) == list(range(16, 48, 2))


def test_a_long_moment_is_shown_whole_and_faster(tmp_path: Path) -> None:
    path = write_video(tmp_path / "numbers.mp4", numbered_frames(240), fps=10.0)
    shown = numbers(preview_pictures(Moment(path, 0.0, 24.0), 64))
    assert len(shown) == 48
    assert shown == list(range(0, 240, 5))


def test_a_preview_is_a_webp_that_moves_and_repeats(tmp_path: Path) -> None:
    path = write_video(tmp_path / "numbers.mp4", numbered_frames(20, height=96, width=240))
    moving = Image.open(io.BytesIO(animated_webp(preview_pictures(Moment(path, 0.0, 1.0), 48))))
    assert (moving.format, moving.size, moving.info["loop"]) == ("WEBP", (120, 48), 0)
    assert moving.n_frames == 8  # type: ignore[attr-defined]
    picture = Image.open(io.BytesIO(still(path, 1.5)))
    assert picture.size == (240, 96), "it is not enlarged"
    assert numbers([picture.convert("RGB")]) == [15]


@pytest.mark.parametrize(
    ("rotation", "size"), [(0, (64, 48)), (90, (48, 64)), (-90, (48, 64)), (180, (64, 48))]
)
def test_phone_videos_stand_upright(tmp_path: Path, rotation: int, size: tuple[int, int]) -> None:
    path = solid_colour_clip(tmp_path / "phone.mp4", [("red", 0.5)], rotation=rotation)
    assert Image.open(io.BytesIO(still(path, 0.0, height=size[1]))).size == size


def test_a_strip_does_not_become_a_ribbon(tmp_path: Path) -> None:
    path = solid_colour_clip(tmp_path / "strip.mp4", [("red", 0.5)], height=16, width=640)
    assert Image.open(io.BytesIO(still(path, 0.0))).size == (640, 16)
    assert Image.open(io.BytesIO(still(path, 0.0, height=20))).size == (80, 2)


def test_no_frame_no_preview(tmp_path: Path) -> None:
    path = solid_colour_clip(tmp_path / "short.mp4", [("red", 0.5)])
    with pytest.raises(UnreadableVideo, match="it ends at"):
        preview_pictures(Moment(path, 2.0, 3.0))
