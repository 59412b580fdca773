"""Films are read back as they were written."""

import errno
from pathlib import Path

import av
import numpy as np
import pytest

from tests.made_videos import frame_number, numbered_frames
from vifi_cli.video.export.movie import write_mp4
from vifi_cli.video.pictures.picture import Picture


def read_back(path: Path) -> tuple[list[float], list[Picture], str]:
    with av.open(path) as container:
        frames = list(container.decode(video=0))
        codec = container.streams.video[0].codec_context
        return (
            [float(frame.time or 0) for frame in frames],
            [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in frames],
            f"{codec.name} {codec.pix_fmt}",
        )


def test_every_picture_is_shown_at_its_time(tmp_path: Path) -> None:
    seconds = [4.0, 4.2, 4.5, 4.6, 6.0]
    write_mp4(tmp_path / "film.part", zip(seconds, numbered_frames(5, 64, 160), strict=True), 5)
    times, pictures, codec = read_back(tmp_path / "film.part")
    assert times == pytest.approx([0.0, 0.2, 0.5, 0.6, 2.0], abs=1e-3)
    assert [frame_number(picture) for picture in pictures] == [0, 1, 2, 3, 4]
    assert codec == "h264 yuv420p"


def test_odd_sides_lose_a_line(tmp_path: Path) -> None:
    write_mp4(tmp_path / "film.mp4", [(0.0, np.full((33, 47, 3), 200, np.uint8))], 5)
    _, pictures, _ = read_back(tmp_path / "film.mp4")
    assert pictures[0].shape == (32, 46, 3)
    assert abs(pictures[0].astype(int) - 200).max() < 4


def test_a_full_disk_is_an_error(tmp_path: Path, full_disk: None) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 256, 256, 3), np.uint8)
    with pytest.raises(OSError) as caught:
        write_mp4(tmp_path / "film.mp4", ((number / 5, picture) for number, picture in enumerate(noise)), 5)
    assert caught.value.errno == errno.EFBIG
