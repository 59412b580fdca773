"""What is drawn for each clip in training: a crop, a flip, colours.

Source: ViFi-CLIP's `datasets/build.py`: mmaction's MultiScaleCrop and Flip, torchvision's ColorJitter and Grayscale.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from PIL import Image
from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.model.towers.clip_transform import centre_crop
from vifi_cli.training.batches.color_jitter import jitter_colors

CROP_SCALES = 1.0, 0.875, 0.75, 0.66  # of the short side
SNAP_PIXELS = 3  # a crop that misses the wanted size by less has it exactly
POSITIONS = (0, 0), (0, 4), (4, 0), (4, 4), (2, 2)  # of a crop: down and right, in quarters of the free play

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may happen to a clip.

    Attributes:
        multi_scale_crop: probability that a crop of random size, shape and place is taken, and not the centre.
        flip: probability that a clip is mirrored.
        color_jitter: probability that a clip's colours are changed, in each frame in another way.
        grayscale: probability that a clip loses its colours.
    """

    multi_scale_crop: float
    flip: float
    color_jitter: float
    grayscale: float

    def __post_init__(self) -> None:
        for name, value in (
            ("multi_scale_crop", self.multi_scale_crop),
            ("flip", self.flip),
            ("color_jitter", self.color_jitter),
            ("grayscale", self.grayscale),
        ):
            if not 0 <= value <= 1:
                raise InvalidInput(f"augmentation.{name} is a probability from 0 to 1, not {value:g}")

    @classmethod
    def none(cls) -> Self:
        """The centre of each clip as it is."""
        return cls(multi_scale_crop=0.0, flip=0.0, color_jitter=0.0, grayscale=0.0)


def augment_clip(
    pixels: Pixels, size: int, augmentation: Augmentation, generator: np.random.Generator
) -> Tensor:
    """Make a training clip of the frames of a video.

    Args:
        pixels: (T, H, W, 3), RGB, whose short side is that of a test with one view.
        size: S, the side of the square that the image tower takes.
        augmentation: what may happen.
        generator: the source of chance.

    Returns:
        uint8 (T, 3, S, S).
    """
    share = augmentation.multi_scale_crop
    is_drawn = share == 1 or (share > 0 and generator.random() < share)
    frames = _multi_scale_crop(pixels, size, generator) if is_drawn else centre_crop(pixels, size)
    if generator.random() < augmentation.flip:
        frames = frames.flip(-1)
    if generator.random() < augmentation.color_jitter:
        frames = _each(frames, lambda picture: jitter_colors(picture, generator))
    if generator.random() < augmentation.grayscale:
        frames = _each(frames, _grayscale)
    return frames.contiguous()


def _multi_scale_crop(pixels: Pixels, size: int, generator: np.random.Generator) -> Tensor:
    top, left, height, width = crop_box(pixels.shape[1], pixels.shape[2], size, generator)
    crop = np.ascontiguousarray(pixels[:, top : top + height, left : left + width])
    # in this order of the axes torch scales bytes as they are, many times faster than numbers could be
    scaled: Tensor = F.interpolate(torch.from_numpy(crop).permute(0, 3, 1, 2), (size, size), mode="bilinear")
    return scaled


def crop_box(height: int, width: int, size: int, generator: np.random.Generator) -> tuple[int, int, int, int]:
    """Draw a crop: each side a scale of the short side, the two at most one scale apart, in a corner or the centre.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        size: of what the crop will be scaled to.
        generator: the source of chance.

    Returns:
        top, left, height and width of the crop.
    """
    sides = [int(min(height, width) * scale) for scale in CROP_SCALES]
    sides = [size if abs(side - size) < SNAP_PIXELS else side for side in sides]
    shapes = [pair for pair in product(range(len(sides)), repeat=2) if abs(pair[0] - pair[1]) <= 1]
    crop_height, crop_width = (sides[place] for place in shapes[generator.integers(len(shapes))])
    down, right = (height - crop_height) // 4, (width - crop_width) // 4
    rows, columns = POSITIONS[generator.integers(len(POSITIONS))]
    return rows * down, columns * right, crop_height, crop_width


def _each(frames: Tensor, change: Callable[[Pixels], Pixels]) -> Tensor:
    pictures = frames.permute(0, 2, 3, 1).contiguous().numpy()
    return torch.from_numpy(np.stack([change(picture) for picture in pictures])).permute(0, 3, 1, 2)


def _grayscale(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))
