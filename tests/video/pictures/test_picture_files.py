from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.decoded_videos import read_video
from tests.made_videos import solid_picture, textured_frames, write_video
from tests.oriented_videos import UPRIGHT, quadrants_of, quadrants_picture
from vifi_cli.errors import InvalidInput
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.pictures import picture_files
from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.pictures.picture_files import is_picture, read_picture

GEOMETRY = FrameGeometry(32, 32)


EXIF_ORDER = [  # orientations 1 to 8, by the matrices that say the same
    UPRIGHT[matrix]
    for matrix in (
        *((1, 0, 0, 1), (-1, 0, 0, 1), (-1, 0, 0, -1), (1, 0, 0, -1)),
        *((0, 1, 1, 0), (0, 1, -1, 0), (0, -1, -1, 0), (0, -1, 1, 0)),
    )
]


def mean_color(path: Path) -> list[int]:
    picture = read_picture(path, GEOMETRY)
    assert picture.shape == (32, 32, 3)
    assert picture.dtype == np.uint8
    return [round(value / 5) * 5 for value in picture.mean(axis=(0, 1))]


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp", "tiff", "ppm"])
def test_pictures_of_all_kinds(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture.{suffix}"
    Image.fromarray(solid_picture("red", 41, 63)).save(path)
    assert is_picture(path)
    assert mean_color(path) == [255, 0, 0]


def test_a_picture_is_seen_as_a_frame_of_a_video_is(tmp_path: Path) -> None:
    (frame,) = textured_frames(1)
    Image.fromarray(frame).save(tmp_path / "frame.png")
    lossless = {"pixel_format": "bgr0", "codec": "ffv1"}
    video = write_video(tmp_path / "frame.mkv", [frame] * 10, **lossless)  # type: ignore[arg-type]
    frames, _ = read_video(video, FrameSampling(), GEOMETRY)
    np.testing.assert_array_equal(read_picture(tmp_path / "frame.png", GEOMETRY), frames.pixels[0])


def test_a_photograph_taken_upright_stands_upright(tmp_path: Path) -> None:
    picture = Image.fromarray(
        np.concatenate([solid_picture("red", 40, 20), solid_picture("blue", 40, 20)], 1)
    )
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    picture.save(tmp_path / "turned.jpg", exif=exif)
    seen = read_picture(tmp_path / "turned.jpg", GEOMETRY)
    assert seen[:8].mean(axis=(0, 1)).argmax() == 0, "red is above"
    assert seen[-8:].mean(axis=(0, 1)).argmax() == 2, "blue is below"


@pytest.mark.parametrize(("exif", "upright"), list(enumerate(EXIF_ORDER, start=1)))
def test_all_eight_orientations_of_exif(tmp_path: Path, exif: int, upright: str) -> None:
    tags = Image.Exif()
    tags[0x0112] = exif
    Image.fromarray(quadrants_picture()).save(tmp_path / "phone.jpg", exif=tags, quality=95)
    assert quadrants_of(read_picture(tmp_path / "phone.jpg", FrameGeometry(32, 32, "squash"))) == upright


def test_pictures_that_are_not_plain_rgb(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(np.full((20, 20), 40_000, np.uint16)).save(path)
    assert mean_color(path) == [155] * 3, "16 bits are scaled, not cut off"
    Image.fromarray(np.full((20, 20), 100, np.uint8)).save(path)
    assert mean_color(path) == [100] * 3
    Image.fromarray(np.zeros((20, 20, 4), np.uint8)).save(path)
    assert mean_color(path) == [255] * 3, "what is transparent is white"
    Image.fromarray(solid_picture("lime")).convert("P").save(path, transparency=255)
    assert mean_color(path) == [0, 255, 0]
    Image.fromarray(solid_picture("blue")).convert("CMYK").save(tmp_path / "print.jpg")
    assert mean_color(tmp_path / "print.jpg")[2] > 200
    frames = [Image.fromarray(solid_picture(color)) for color in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert mean_color(tmp_path / "moving.gif") == [255, 0, 0], "of an animation the first"


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    for content in (b"", b"no picture at all", b"\xff\xd8\xff" + b"\0" * 100):
        path.write_bytes(content)
        assert not is_picture(path)
        with pytest.raises(InvalidInput, match=r"notes.jpg cannot be read as a picture"):
            read_picture(path, GEOMETRY)
    assert not is_picture(tmp_path / "gone.jpg")
    assert not is_picture(tmp_path)


def test_a_picture_that_is_cut_off_is_said(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    (frame,) = textured_frames(1)
    Image.fromarray(frame).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InvalidInput, match=r"cut.png cannot be read as a picture"):
        read_picture(path, GEOMETRY)


def test_a_picture_as_large_as_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.png"
    Image.fromarray(solid_picture("red", 100, 100)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 7000)
    assert mean_color(path) == [255, 0, 0], "a mere warning is not passed on"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    with pytest.raises(InvalidInput, match=r"huge.png is too large"):
        read_picture(path, GEOMETRY)


def bomb(path: Path, height: int, width: int, **options: object) -> Path:
    Image.new("L", (width, height), 90).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("name", ["bomb.png", "bomb.gif", "bomb.tiff", "bomb.bmp"])
def test_a_small_file_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, name: str) -> None:
    options = {"compression": "tiff_deflate"} if name == "bomb.tiff" else {}
    path = bomb(tmp_path / name, 8200, 8200, **options)
    assert is_picture(path)
    with pytest.raises(InvalidInput, match=r"8200 x 8200 pixels, more than vifi reads \(67 million\)"):
        read_picture(path, GEOMETRY)


def test_a_photograph_of_a_hundred_million_pixels_is_decoded_at_half_its_size(tmp_path: Path) -> None:
    assert mean_color(bomb(tmp_path / "phone.jpg", 9000, 12000, quality=20)) == [90] * 3
    with pytest.raises(InvalidInput, match="12000 x 9000 pixels"):
        read_picture(bomb(tmp_path / "all-at-once.jpg", 9000, 12000, progressive=True), GEOMETRY)


def test_a_large_picture_looks_the_same_when_made_smaller_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (frame,) = textured_frames(1, 240, 320)
    large = Image.fromarray(frame).resize((4608, 3840), Image.Resampling.BILINEAR)
    large.save(tmp_path / "large.png", compress_level=1)
    geometry = FrameGeometry(224, 224)  # as encoders have
    smaller_first = read_picture(tmp_path / "large.png", geometry).astype(int)
    monkeypatch.setattr(picture_files, "REDUCED_PIXELS", 10**9)
    plain = read_picture(tmp_path / "large.png", geometry)
    assert 0 < np.abs(smaller_first - plain).mean() < 2


def test_formats_that_start_other_programs_are_not_opened(tmp_path: Path) -> None:
    Image.fromarray(solid_picture("red")).save(tmp_path / "drawing.png", "EPS")
    assert not is_picture(tmp_path / "drawing.png")
    with pytest.raises(InvalidInput, match="cannot be read as a picture"):
        read_picture(tmp_path / "drawing.png", GEOMETRY)
