"""Scaling agrees with OpenCV's on noise, which reveals every error."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.video.pictures.bilinear import resize_bilinear, short_side_size

SIDES = st.integers(1, 90)


def noise(height: int, width: int) -> np.typing.NDArray[np.uint8]:
    return np.random.default_rng(height * 7919 + width).integers(0, 256, (height, width, 3), np.uint8)


def greatest_difference(height: int, width: int, to: tuple[int, int]) -> int:
    picture = noise(height, width)
    expected = cv2.resize(picture, (to[1], to[0]), interpolation=cv2.INTER_LINEAR)
    return int(np.abs(resize_bilinear(picture, *to).astype(int) - expected).max())


@pytest.mark.parametrize(
    ("height", "width"),
    [(1080, 1920), (1920, 1080), (240, 320), (144, 180), (512, 1024), (256, 340), (97, 131)],
)
def test_videos_are_scaled_as_opencv_does(height: int, width: int) -> None:
    assert greatest_difference(height, width, short_side_size(height, width, 256)) <= 1


@given(SIDES, SIDES, SIDES, SIDES)
def test_any_size_is_scaled_as_opencv_does(height: int, width: int, to_height: int, to_width: int) -> None:
    assert greatest_difference(height, width, (to_height, to_width)) <= 1


def test_almost_every_pixel_is_opencvs_own() -> None:
    picture = noise(240, 320)
    expected = cv2.resize(picture, (341, 256), interpolation=cv2.INTER_LINEAR)
    assert (resize_bilinear(picture, 256, 341) != expected).mean() < 0.005


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(240, 320, (256, 341)), (144, 180, (256, 320)), (320, 240, (341, 256)), (1, 9000, (256, 8192))],
)
def test_sizes_are_rounded_as_published(height: int, width: int, expected: tuple[int, int]) -> None:
    assert short_side_size(height, width, 256) == expected


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 600))
def test_the_short_side_is_met(height: int, width: int, short_side: int) -> None:
    assert min(short_side_size(height, width, short_side)) == short_side
