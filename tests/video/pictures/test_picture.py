"""The scaled picture equals the reference: the full-size RGB frame, resized by PIL, cut by torchvision's rule."""

from pathlib import Path
from typing import Literal

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.made_videos import textured_frames, write_video
from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.pictures.picture import FrameScaler, center, scaled_size

SHARED_CLIPS = Path(__file__).parents[3].parent / "shared" / "videos" / "search"
SIDES = st.integers(1, 4000)
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def reference(frame: av.VideoFrame, geometry: FrameGeometry) -> npt.NDArray[np.uint8]:
    image = frame.to_image()
    height, width = scaled_size(image.height, image.width, geometry)
    resized = image.resize((width, height), FILTERS[geometry.interpolation])
    return center(np.asarray(resized), geometry)


@pytest.mark.parametrize("resize", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(90, 160), (241, 321), (480, 270)])
def test_scaling_is_that_of_the_reference(
    tmp_path: Path,
    resize: Literal["shortest", "squash", "longest"],
    interpolation: Literal["bicubic", "bilinear"],
    size: tuple[int, int],
) -> None:
    geometry = FrameGeometry(64, 64, resize, interpolation)
    path = write_video(tmp_path / "a.mp4", textured_frames(3, *size), pixel_format="yuv444p")
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        ours, theirs = FrameScaler(geometry)(frame).astype(int), reference(frame, geometry)
    assert np.abs(ours - theirs).max() <= 8
    assert np.abs(ours - theirs).mean() < 0.3


@pytest.mark.skipif(not SHARED_CLIPS.is_dir(), reason="the shared clips are not at hand")
def test_scaling_is_that_of_the_reference_on_real_clips() -> None:
    geometry = FrameGeometry(224, 224)
    for path in sorted(SHARED_CLIPS.glob("*.m*")):
        with av.open(path) as container:
            frame = next(container.decode(video=0))
        ours, theirs = FrameScaler(geometry)(frame).astype(int), reference(frame, geometry)
        assert np.abs(ours - theirs).max() <= 4, path.name
        assert np.abs(ours - theirs).mean() < 0.1, path.name


@given(SIDES, SIDES, st.integers(1, 512))
def test_the_short_side_fits_as_in_torchvision(height: int, width: int, side: int) -> None:
    scaled = scaled_size(height, width, FrameGeometry(side, side))
    assert min(scaled) == side
    if max(height, width) <= 32 * min(height, width):
        assert max(scaled) == int(side * max(height, width) / min(height, width))


@given(SIDES, SIDES, st.integers(1, 512), st.integers(1, 512))
def test_the_long_side_fits_and_the_rest_is_padded(height: int, width: int, rows: int, columns: int) -> None:
    scaled = scaled_size(height, width, FrameGeometry(rows, columns, "longest"))
    assert scaled[0] <= rows
    assert scaled[1] <= columns
    assert scaled[0] == rows or scaled[1] == columns


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 100), st.integers(1, 100))
def test_any_picture_is_brought_to_size(height: int, width: int, rows: int, columns: int) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    assert center(picture, FrameGeometry(rows, columns)).shape == (rows, columns, 3)


@pytest.mark.parametrize(("size", "start"), [(10, 3), (9, 2), (11, 4), (13, 4)])
def test_the_center_is_cut_with_torchvisions_rounding(size: int, start: int) -> None:
    """`int(round((size - 4) / 2.0))`: halves go to the even side."""
    columns = np.arange(size, dtype=np.uint8)
    picture = np.broadcast_to(columns[None, :, None], (4, size, 3))
    assert center(picture, FrameGeometry(4, 4))[0, 0, 0] == start


def test_padding_has_the_fill() -> None:
    padded = center(np.zeros((2, 5, 3), np.uint8), FrameGeometry(5, 5, "longest", fill=77))
    assert padded[:, 0, 0].tolist() == [77, 0, 0, 77, 77]
