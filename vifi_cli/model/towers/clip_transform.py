"""From the frames of a clip, scaled to a short side, to the input of an image tower in a test.

Source: ViFi-CLIP's `datasets/build.py`. One view is the center of frames whose short side is 256 for a tower of 224;
three views are cropped from frames whose short side is 224.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.video.pictures.frames import FrameGeometry

Pixels = npt.NDArray[np.uint8]


def square_side(geometry: FrameGeometry, model: str) -> int:
    """The side S of a model's pictures; InvalidInput if they are not square, as the published tests want them."""
    if geometry.height != geometry.width:
        raise InvalidInput(
            f"{model} takes pictures of {geometry.height} x {geometry.width}: only square ones can be tested"
        )
    return geometry.height


def test_short_side(size: int) -> int:
    """The short side that frames are scaled to before the center crop: 256 for a size of 224."""
    return int(size * 256 / 224 + 0.5)


def center_crop(pixels: Pixels, size: int) -> Tensor:
    """Crop the center of each frame: RGB (T, H, W, 3), H and W at least `size`, to uint8 (T, 3, size, size)."""
    height, width = _sides(pixels, size)
    return _crop(pixels, (height - size) // 2, (width - size) // 2, size)


def three_crops(pixels: Pixels, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Crop three squares along the long side: left, right, middle of wide frames, top, bottom, middle of tall ones.

    From RGB (T, H, W, 3) with a short side of `size` to three times uint8 (T, 3, size, size), in the published order.
    """
    height, width = _sides(pixels, size)
    if size not in (height, width):
        raise ValueError(f"three crops need frames with a side of {size}, not {height} x {width}")
    down, right = (height - size) // 2, (width - size) // 2
    return (
        _crop(pixels, 0, 0, size),
        _crop(pixels, 2 * down, 2 * right, size),
        _crop(pixels, down, right, size),
    )


def normalized(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Normalize uint8 (..., 3, S, S) for an image tower, to float32; mean and std are for pixels scaled to 0..1."""
    shift = 255 * torch.tensor(mean, device=images.device)[:, None, None]
    scale = 255 * torch.tensor(std, device=images.device)[:, None, None]
    return images.float().sub_(shift).div_(scale)


def _sides(pixels: Pixels, size: int) -> tuple[int, int]:
    height, width = pixels.shape[1:3]
    if min(height, width) < size:
        raise ValueError(f"frames of {height} x {width} are too small for a crop of {size}")
    return height, width


def _crop(pixels: Pixels, top: int, left: int, size: int) -> Tensor:
    square = pixels[:, top : top + size, left : left + size].transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(square))
