"""Clips, copies, stills and reels of videos that were recorded turned or mirrored."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.oriented_videos import UPRIGHT, quadrants_of, write_oriented_video
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.copied_clip import copy_clip
from vifi_cli.video.export.preview import preview_pictures, still
from vifi_cli.video.export.probe import video_facts
from vifi_cli.video.export.reel import reel_form, write_reel
from vifi_cli.video.moment import Moment
from vifi_cli.video.pictures.orientation import Orientation

Matrix = tuple[float, float, float, float]


def first_frame(path: Path) -> av.VideoFrame:
    with av.open(path) as container:
        return next(container.decode(video=0))


@pytest.mark.parametrize(("matrix", "upright"), UPRIGHT.items())
def test_what_is_written_stands_upright(tmp_path: Path, matrix: Matrix, upright: str) -> None:
    video = write_oriented_video(tmp_path / "phone.mp4", matrix)
    moment = Moment(video, 0.0, 0.5)
    write_clip(moment, tmp_path / "clip.mp4", lambda _: None)
    write_reel([moment], reel_form([video_facts(video)]), tmp_path / "reel.mp4", lambda _, __: None)
    for name in ("clip.mp4", "reel.mp4"):
        frame = first_frame(tmp_path / name)
        assert Orientation.of(frame) == Orientation()
        assert quadrants_of(frame.to_ndarray(format="rgb24")) == upright, name
    pictures = [Image.open(io.BytesIO(still(video, 0.0))).convert("RGB"), preview_pictures(moment)[0]]
    assert [quadrants_of(np.asarray(picture)) for picture in pictures] == [upright] * 2


@pytest.mark.parametrize("matrix", UPRIGHT)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".3gp"])
def test_a_copy_keeps_the_matrix(tmp_path: Path, matrix: Matrix, suffix: str) -> None:
    video = write_oriented_video(tmp_path / "phone.mp4", matrix).rename(tmp_path / f"phone{suffix}")
    copy_clip(Moment(video, 0.0, 0.5), tmp_path / f"clip{suffix}", lambda _: None)
    copied = first_frame(tmp_path / f"clip{suffix}")
    assert Orientation.of(copied) == Orientation.of_matrix(*matrix)
