"""What the tower sees in a test, against the published transform."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vifi_cli.model.towers import clip_transform
from vifi_cli.model.towers.clip_transform import center_crop, normalized, three_crops
from vifi_cli.video.pictures.bilinear import resize_bilinear, short_side_size

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden" / "eval_transform.safetensors"
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def coordinates(height: int, width: int) -> np.typing.NDArray[np.uint8]:
    """One frame whose red is the row and whose green is the column."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows, columns, 0 * rows], -1).astype(np.uint8)[None]


def corner(crop: torch.Tensor) -> tuple[int, int]:
    return int(crop[0, 0, 0, 0]), int(crop[0, 1, 0, 0])


@pytest.mark.skipif(not GOLDEN.exists(), reason="the published transform's result is not at hand")
def test_the_test_transform_is_the_published_one() -> None:
    from safetensors.numpy import load_file

    golden = load_file(GOLDEN)
    frames = golden["frames_uint8"]
    size = short_side_size(*frames.shape[1:3], clip_transform.test_short_side(224))
    clip = center_crop(np.stack([resize_bilinear(frame, *size) for frame in frames]), 224)
    # the values lie in the file by row, column and colour, although its header says colour, row and column
    expected = torch.from_numpy(golden["reference_eval_input"].reshape(2, 224, 224, 3)).permute(0, 3, 1, 2)
    std = 255 * torch.tensor(IMAGENET[1])[:, None, None]
    assert ((normalized(clip, *IMAGENET) - expected) * std).abs().max() < 1 / 255


def test_short_sides_keep_the_published_ratio() -> None:
    assert [clip_transform.test_short_side(size) for size in (224, 336, 384, 32)] == [256, 384, 439, 37]


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(30, 41, (5, 10)), (31, 40, (5, 10)), (20, 20, (0, 0)), (41, 20, (10, 0))],
)
def test_the_centre_is_rounded_down(height: int, width: int, expected: tuple[int, int]) -> None:
    crop = center_crop(coordinates(height, width), 20)
    assert crop.shape == (1, 3, 20, 20)
    assert corner(crop) == expected


def test_three_crops_have_the_published_order() -> None:
    wide = [corner(crop) for crop in three_crops(coordinates(20, 37), 20)]
    assert wide == [(0, 0), (0, 16), (0, 8)]
    tall = [corner(crop) for crop in three_crops(coordinates(36, 20), 20)]
    assert tall == [(0, 0), (16, 0), (8, 0)]


def test_crops_that_cannot_be_cut_are_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        center_crop(coordinates(19, 40), 20)
    with pytest.raises(ValueError, match="side of 20"):
        three_crops(coordinates(25, 40), 20)


def test_pixels_are_normalised_by_colour() -> None:
    images = torch.tensor([0, 128, 255], dtype=torch.uint8)[:, None, None].expand(2, 4, 3, 5, 5)
    result = normalized(images, (0.1, 0.2, 0.3), (0.5, 0.25, 2.0))
    assert result.dtype == torch.float32
    expected = torch.tensor([(0 - 0.1) / 0.5, (128 / 255 - 0.2) / 0.25, (1 - 0.3) / 2.0])
    torch.testing.assert_close(result[1, 3, :, 2, 2], expected)
