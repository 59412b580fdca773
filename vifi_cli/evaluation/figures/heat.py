"""Maps drawn over frames: colours where a model looks, and shade over what it does not see."""

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from vifi_cli.evaluation.testing.attention import CropBox, Map
from vifi_cli.video.decode.picture import Picture

GROUND, SHADE = 0.85, 0.3  # remaining brightness of the frame under the map and outside it
MOST_OPAQUE = 0.85
COLOURS, COOLEST = "inferno", 0.2  # cooler colours would look like shade
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def shares_of_range(values: Map) -> Map:
    """A map on its own scale: 0 at its minimum, 1 at its maximum; all 0 if it is constant."""
    least, largest = values.min(), values.max()
    if largest <= least:
        return np.zeros_like(values)
    shares: Map = (values - least) / (largest - least)
    return shares


def drawn_over(picture: Picture, values: Map, box: CropBox) -> Picture:
    """Draws a map over a frame in grey.

    Args:
        picture: the complete frame, uint8 (H, W, 3).
        values: the map, float32 (rows, columns) over the box; interpolated.
        box: the part of the frame under the map; the rest is shaded.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = picture.shape[:2]
    top, bottom, left, right = (
        round(box.top * height),
        round(box.bottom * height),
        round(box.left * width),
        round(box.right * width),
    )
    smooth = Image.fromarray(shares_of_range(values)).resize(
        (right - left, bottom - top), Image.Resampling.BICUBIC
    )
    heat = np.asarray(smooth).clip(0, 1)
    drawn = np.repeat((picture @ GREY)[..., None], 3, axis=2)
    below = drawn[top:bottom, left:right] * GROUND
    drawn *= SHADE
    opacity = MOST_OPAQUE * heat[..., None]
    drawn[top:bottom, left:right] = below * (1 - opacity) + _colours()[(heat * 255).astype(int)] * opacity
    return drawn.astype(np.uint8)


@cache
def _colours() -> npt.NDArray[np.float32]:
    """256 colours from the coolest to the hottest, RGB."""
    import matplotlib

    steps = np.linspace(COOLEST, 1, 256)
    return np.asarray(matplotlib.colormaps[COLOURS](steps)[:, :3] * 255, np.float32)
