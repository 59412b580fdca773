"""Bilinear scaling without antialiasing, as by OpenCV's INTER_LINEAR, in numpy.

The published transforms scale clips for training and testing like this: each new pixel mixes the four nearest old
ones, however much the picture shrinks. The arithmetic is OpenCV's fixed-point one; results differ from OpenCV's by one
gray level in one pixel of a thousand.
"""

import numpy as np
import numpy.typing as npt

from vifi_cli.video.pictures.picture import LONGEST_TO_SHORTEST, Picture

ONE = np.int32(2048)  # weights are multiples of 1/2048


def short_side_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Height and width of a picture after scaling its short side to this many pixels.

    Source: mmcv's `rescale_size`, int(side * scale + 0.5). The long side of a strip is bounded.
    """
    scale = short_side / min(height, width)
    longest = LONGEST_TO_SHORTEST * short_side
    return min(int(height * scale + 0.5), longest), min(int(width * scale + 0.5), longest)


def resize_bilinear(picture: Picture, height: int, width: int) -> Picture:
    """Scales a picture, uint8 (H, W, 3), to (height, width, 3); returns the same array if it has that size."""
    if picture.shape[:2] == (height, width):
        return picture
    upper, lower, weights = _neighbors(picture.shape[0], height)
    needed, places = np.unique(np.concatenate([upper, lower]), return_inverse=True)
    lines = _resized_lines(picture[needed], width)
    result = lines[places[:height]]
    result *= (ONE - weights)[:, None]
    result >>= 16
    below = lines[places[height:]]
    below *= weights[:, None]
    below >>= 16
    result += below
    result += 2
    result >>= 2
    return result.astype(np.uint8).reshape(height, width, 3)


def _resized_lines(lines: Picture, width: int) -> npt.NDArray[np.int32]:
    """Scales each line, uint8 (n, W, 3), to int32 (n, width * 3), in 128ths of a gray level."""
    left, right, column_weights = _neighbors(lines.shape[1], width)
    weights, channel = np.repeat(column_weights, 3), np.tile(np.arange(3), width)
    flat = lines.reshape(len(lines), -1)
    result = np.take(flat, np.repeat(left, 3) * 3 + channel, axis=1).astype(np.int32)
    result *= ONE - weights
    other = np.take(flat, np.repeat(right, 3) * 3 + channel, axis=1).astype(np.int32)
    other *= weights
    result += other
    result >>= 4
    return result


def _neighbors(
    old: int, new: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """For each of the new pixels along a side, the two old ones it mixes, and the second one's weight."""
    centers = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32).clip(0, old - 1)
    first = np.minimum(np.floor(centers).astype(np.intp), max(old - 2, 0))
    weights = np.rint((centers - first.astype(np.float32)) * np.float32(ONE)).astype(np.int32)
    return first, np.minimum(first + 1, old - 1), weights
