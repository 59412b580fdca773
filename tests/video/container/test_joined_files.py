"""Recordings that were joined byte for byte are read to their end, in every way, or said not to be."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.decoded_videos import read_video
from tests.made_videos import Sound, frame_number, noise, numbered_frames, write_video
from tests.video.export.played import play
from vifi_cli.video.container.source_file import open_source
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.copied_clip import copied_suffix, copy_clip
from vifi_cli.video.export.preview import still
from vifi_cli.video.moment import Moment
from vifi_cli.video.pictures.frames import FrameGeometry

FPS = 25
LENGTHS = [160, 100, 60]
STARTS = [0.0, 0.5, 2.02, 6.3, 6.42, 8.0, 10.3, 10.42, 12.0]


@pytest.fixture(
    params=[
        ("a.mkv", "h264", 2, 24),
        ("b.mkv", "mpeg4", 2, 24),
        ("c.webm", "vp9", 0, 24),
        ("d.mkv", "h264", 2, 200),
    ]
)
def joined(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name, codec, b_frames, gop = request.param
    pictures = iter(list(numbered_frames(sum(LENGTHS))))
    path = tmp_path / name
    sound_codec = "libopus" if path.suffix == ".webm" else "aac"
    with path.open("wb") as target:
        for count in LENGTHS:
            part = write_video(
                tmp_path / f"part{path.suffix}",
                [next(pictures) for _ in range(count)],
                codec=codec,
                b_frames=b_frames,
                gop=gop,
                fps=FPS,
                tick=1 / FPS,
                sound=Sound(noise(count / FPS, 48_000), 48_000, codec=sound_codec),
            )
            target.write(part.read_bytes())
    return path


def test_every_picture_is_read_at_its_time(joined: Path) -> None:
    frames, info = read_video(joined, FrameSampling(4.0, 1), FrameGeometry(64, 160, "squash"))
    numbers = np.array([frame_number(picture) for picture in frames.pixels])
    np.testing.assert_allclose(frames.seconds, numbers / FPS, atol=0.003)
    assert info.duration_seconds == pytest.approx(sum(LENGTHS) / FPS, abs=0.05)


def test_moments_in_every_recording_are_cut_and_copied(joined: Path, tmp_path: Path) -> None:
    for start in STARTS:
        end = start + 0.4
        wanted = list(range(math.floor(start * FPS + 1e-6), math.ceil(end * FPS - 1e-6)))
        picture = np.asarray(Image.open(io.BytesIO(still(joined, start))).convert("RGB"))
        assert frame_number(picture) == wanted[0], start
        write_clip(Moment(joined, start, end), tmp_path / "clip.mp4", lambda _: None)
        assert play(tmp_path / "clip.mp4").numbers == wanted, start
        target = tmp_path / f"copy{copied_suffix(joined)}"
        clip = copy_clip(Moment(joined, start, end), target, lambda _: None)
        played = play(target)
        first = round(clip.start_seconds * FPS)
        assert played.numbers == list(range(first, first + len(played.numbers))), start
        assert {*wanted} <= {*played.numbers}, start
        assert played.sound is not None
        assert played.sound.shape[1] / 48_000 == pytest.approx(end - clip.start_seconds, abs=0.15)


def test_flash_videos_that_were_joined_say_what_is_not_read(tmp_path: Path) -> None:
    part = write_video(tmp_path / "part.flv", numbered_frames(50), fps=FPS)
    joined = tmp_path / "joined.flv"
    joined.write_bytes(part.read_bytes() * 2)
    sampling, geometry = FrameSampling(4.0, 1), FrameGeometry(64, 160, "squash")
    assert read_video(part, sampling, geometry)[1].warning is None
    warning = read_video(joined, sampling, geometry)[1].warning
    assert warning == "another recording, joined to it at 2.0 s, is not read: split the file"


def test_a_file_that_is_not_joined_is_read_as_it_is(tmp_path: Path) -> None:
    path = write_video(tmp_path / "one.mkv", numbered_frames(20))
    with open_source(path) as source:
        assert source.read(path.stat().st_size) == path.read_bytes()
        assert source.entry_before(100) == 100
