"""The film in a motion photo is read by every way to reach a frame; a picture without one is a picture."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.made_videos import frame_number, numbered_frames, textured_frames, write_video
from tests.video.decode.test_decoder import WIDE, read_video
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.export.clip import write_clip
from vifi_cli.video.export.copied_clip import copied_suffix, copy_clip
from vifi_cli.video.export.preview import still
from vifi_cli.video.export.probe import video_facts
from vifi_cli.video.files.motion_photos import film_start
from vifi_cli.video.files.recognition import may_be_video
from vifi_cli.video.moment import Moment
from vifi_cli.web.media.playback import playability

SAMSUNG = b"\x00\x00\x30\x0a\x10\x00\x00\x00MotionPhoto_Data", b"SEFH\x6a\x00\x00\x00\x01\x00\x00\x00SEFT"
KINDS = {
    "google": (b"", b""),
    "samsung": SAMSUNG,
    "heic": (b"\x00\x00\x00\x00mpvd", b""),
}


def motion_photo(path: Path, kind: str = "google") -> Path:
    """A picture, and behind it an MP4 of 30 numbered frames, ten a second."""
    (picture,) = textured_frames(1, 480, 640)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "AVIF" if kind == "heic" else "JPEG")
    film = write_video(path.with_name("film.mp4"), numbered_frames(30), gop=10)
    before, after = KINDS[kind]
    path.write_bytes(stream.getvalue() + before + film.read_bytes() + after)
    film.unlink()
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [("PXL_20230101.MP.jpg", "google"), ("20230101_120000.JPG", "samsung"), ("IMG_0001.heic", "heic")],
)
def test_every_way_to_reach_a_frame_finds_the_film(tmp_path: Path, name: str, kind: str) -> None:
    path = motion_photo(tmp_path / name, kind)
    frames, info = read_video(path, FrameSampling(), WIDE)
    assert info.duration_seconds == pytest.approx(3.0)
    assert len({frame_number(picture) for picture in frames.pixels}) == 8
    seen = Image.open(io.BytesIO(still(path, 1.5))).convert("RGB")
    assert frame_number(np.asarray(seen)) == 15
    assert frame_number(read_clip(path, lambda _: np.array([25]), 32)[0]) == 25
    assert video_facts(path).duration_seconds == pytest.approx(3.0)
    assert playability(path, lambda _: None).media_type is None
    clip = tmp_path / "clip.mp4"
    write_clip(Moment(path, 1.0, 2.0), clip, lambda _: None)
    assert frame_number(read_video(clip, FrameSampling(), WIDE)[0].pixels[0]) == 10
    copy = tmp_path / f"copy{copied_suffix(path)}"
    copy_clip(Moment(path, 1.0, 2.0), copy, lambda _: None)
    assert frame_number(read_video(copy, FrameSampling(), WIDE)[0].pixels[0]) == 10


def test_a_plain_photograph_is_a_picture(tmp_path: Path) -> None:
    (picture,) = textured_frames(1, 480, 640)
    for name, kind in (("IMG_0001.jpg", "JPEG"), ("PXL_1.MP.jpg", "JPEG"), ("a.heic", "AVIF")):
        Image.fromarray(picture).save(tmp_path / name, kind)
        assert not may_be_video(tmp_path / name)
        with pytest.raises(UnreadableVideo, match="a picture, not a video"):
            read_video(tmp_path / name, FrameSampling(), WIDE)


@pytest.mark.parametrize(
    "name", ["PXL_20230101.MP.jpg", "MVIMG_20200101.jpg", "PXL_1.MP.heic", "IMG_1_MP.jpg"]
)
def test_folders_show_motion_photos_that_are_named_as_such(tmp_path: Path, name: str) -> None:
    assert may_be_video(motion_photo(tmp_path / name))
    assert not may_be_video(motion_photo(tmp_path / "IMG_0001.jpg")), "every picture would have to be read"


def test_letters_that_look_like_a_box_are_not_a_film(tmp_path: Path) -> None:
    (picture,) = textured_frames(1, 480, 640)
    Image.fromarray(picture).save(tmp_path / "a.jpg", comment=b"x" * 200 + b"ftyp is a box")
    with pytest.raises(UnreadableVideo, match="a picture, not a video"):
        read_video(tmp_path / "a.jpg", FrameSampling(), WIDE)


@pytest.mark.parametrize("shift", range(-9, 10))
def test_a_film_is_found_wherever_it_begins(tmp_path: Path, shift: int) -> None:
    """Also where reading in pieces of 1 MB cuts its first box in two."""
    start = 2**20 + shift
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + b"\0" * (start - 2) + b"\0\0\0\x20ftypisom" + b"\0" * 50)
    assert film_start(tmp_path / "a.jpg") == start
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + b"\0" * (start - 2))
    assert film_start(tmp_path / "a.jpg") is None
