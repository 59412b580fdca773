"""Augmentation: a random crop, flip and color change for each training clip.

Hue is the slowest of the color changes: `shift_hue` does in numpy what torchvision does through Pillow's 8-bit HSV
pictures, three times faster and about as coarsely.

Source: ViFi-CLIP's `datasets/build.py`: mmaction's MultiScaleCrop and Flip, torchvision's ColorJitter and Grayscale.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from numpy.random import Generator
from PIL import Image, ImageEnhance
from torch import Tensor

from vifi_cli.model.towers.clip_transform import center_crop
from vifi_cli.training.recipe.recipe import Augmentation

CROP_SCALES = 1.0, 0.875, 0.75, 0.66  # of the short side
SNAP_PIXELS = 3  # a side that is nearer to the wanted size gets that size
POSITIONS = (0, 0), (0, 4), (4, 0), (4, 4), (2, 2)  # of a crop: down and right, in quarters of the space left
# the largest changes: shares, for hue of the color circle; ViFi-CLIP's values
BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.4, 0.4, 0.2, 0.1

Pixels = npt.NDArray[np.uint8]


def augment_clip(pixels: Pixels, size: int, augmentation: Augmentation, generator: Generator) -> Tensor:
    """Make a training clip, uint8 (T, 3, S, S), from RGB frames (T, H, W, 3).

    The short side of the frames is that of a test with one view; S is `size`, the input side of the image tower.
    """
    share = augmentation.multi_scale_crop
    is_drawn = share == 1 or (share > 0 and generator.random() < share)
    frames = _multi_scale_crop(pixels, size, generator) if is_drawn else center_crop(pixels, size)
    if generator.random() < augmentation.flip:
        frames = frames.flip(-1)
    if generator.random() < augmentation.color_jitter:
        frames = _each(frames, lambda picture: jitter_colors(picture, generator))
    if generator.random() < augmentation.grayscale:
        frames = _each(frames, _grayscale)
    return frames.contiguous()


def _multi_scale_crop(pixels: Pixels, size: int, generator: Generator) -> Tensor:
    top, left, height, width = crop_box(pixels.shape[1], pixels.shape[2], size, generator)
    crop = np.ascontiguousarray(pixels[:, top : top + height, left : left + width])
    # with the axes in this order torch scales bytes directly, many times faster than floats
    scaled: Tensor = F.interpolate(torch.from_numpy(crop).permute(0, 3, 1, 2), (size, size), mode="bilinear")
    return scaled


def crop_box(height: int, width: int, size: int, generator: Generator) -> tuple[int, int, int, int]:
    """Draw top, left, height and width of a crop, in pixels, that will be scaled to `size`.

    Each side is a scale of the short side, both at most one scale apart; it is in a corner or the center.
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


def jitter_colors(pixels: Pixels, generator: Generator) -> Pixels:
    """Change brightness, contrast, saturation and hue of an RGB picture (H, W, 3), in a random order.

    Source: torchvision's `ColorJitter` with the strengths of ViFi-CLIP's `datasets/build.py`.
    """
    brightness, contrast, saturation = 1 + generator.uniform(-1, 1, 3) * (BRIGHTNESS, CONTRAST, SATURATION)
    turns = generator.uniform(-HUE, HUE)
    picture = Image.fromarray(pixels)
    for change in generator.permutation(4):
        if change == 0:
            picture = ImageEnhance.Brightness(picture).enhance(brightness)
        elif change == 1:
            picture = ImageEnhance.Contrast(picture).enhance(contrast)
        elif change == 2:
            picture = ImageEnhance.Color(picture).enhance(saturation)
        else:
            picture = Image.fromarray(shift_hue(np.asarray(picture), turns))
    return np.asarray(picture)


def shift_hue(pixels: Pixels, turns: float) -> Pixels:
    """Turn all colors of an RGB picture (H, W, 3) around the color circle, by -0.5 to 0.5 turns in steps of 1/255.

    The result is within two gray levels of torchvision's `adjust_hue` on a Pillow image, except for single pixels that
    get the neighboring one of the 255 hues.
    """
    red, green, blue = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.int16)
    value = np.maximum(np.maximum(red, green), blue)
    chroma = value - np.minimum(np.minimum(red, green), blue)
    sector = np.where(green == value, blue - red + 2 * chroma, red - green + 4 * chroma)
    sector = np.where(red == value, green - blue, sector)  # sixths of the circle, times chroma
    hue = sector * np.float32(255 / 6) / np.maximum(chroma, 1)
    hue += np.where(sector < 0, np.float32(255), np.float32(0))
    hues, rounded, depth = hue.astype(np.uint8), value + np.float32(0.5), chroma.astype(np.float32)
    result = np.empty_like(pixels)
    for color, absence in enumerate(_absences(int(turns * 255))):
        result[..., color] = rounded - np.take(absence, hues) * depth
    return result


def _absences(steps: int) -> npt.NDArray[np.float32]:
    """How much each color is missing, 0 to 1, in each of the 256 hues when turned by so many steps: (3, 256)."""
    sixths = (np.arange(256) + steps) % 256 * (6 / 255)
    from_color = (sixths + np.array([[5], [3], [1]])) % 6
    return np.asarray(np.clip(np.minimum(from_color, 4 - from_color), 0, 1), np.float32)
