"""Random changes of brightness, contrast, saturation and hue, as torchvision's ColorJitter makes them with Pillow.

Hue is the slow one of the four; `shift_hue` does in numpy what Pillow does through its 8-bit HSV pictures, three
times faster and about as coarsely.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

# the most that each is changed by: shares, and for hue a share of the colour circle; ViFi-CLIP's values
BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.4, 0.4, 0.2, 0.1

Pixels = npt.NDArray[np.uint8]


def jitter_colors(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Change a picture's brightness, contrast, saturation and hue, in a random order.

    Args:
        pixels: (H, W, 3), RGB.
        generator: the source of chance.

    Returns:
        uint8 (H, W, 3).

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
    """Turn all colours around the colour circle.

    Args:
        pixels: (H, W, 3), RGB.
        turns: how far, -0.5 to 0.5 of the circle; taken in steps of 1/255, as torchvision does.

    Returns:
        uint8 (H, W, 3), within two grey levels of torchvision's `adjust_hue` on a Pillow image, but for single
        pixels that fall to the neighbouring one of the 255 hues.
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
    """How much each colour is missing, 0..1, in each of the 256 hues when turned by so many steps: (3, 256)."""
    sixths = (np.arange(256) + steps) % 256 * (6 / 255)
    from_color = (sixths + np.array([[5], [3], [1]])) % 6
    return np.asarray(np.clip(np.minimum(from_color, 4 - from_color), 0, 1), np.float32)
