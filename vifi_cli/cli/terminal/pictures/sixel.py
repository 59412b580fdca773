"""Sixels: the pictures of DEC's VT340, which many terminals show, in bands of six rows and with up to 256 colors."""

import re

import numpy as np  # noqa: TID253 - this module is loaded with the first picture
from PIL import Image

COLORS = 256
BAND_ROWS = 6
FIRST_CHARACTER = 63  # `?`, a column of six pixels without this color
_RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)


def sixels(picture: Image.Image) -> str:
    """A picture as an escape sequence, at its own size in pixels."""
    reduced = picture.quantize(COLORS)
    pixels = np.asarray(reduced)
    height, width = pixels.shape
    palette = np.array(reduced.getpalette() or [], np.uint8).reshape(-1, 3)
    parts = [f'\x1bP0;1;0q"1;1;{width};{height}']
    for number in np.unique(pixels).tolist():
        red, green, blue = (round(100 * value / 255) for value in palette[number].tolist())
        parts.append(f"#{number};2;{red};{green};{blue}")
    bands = (pixels[top : top + BAND_ROWS] for top in range(0, height, BAND_ROWS))
    return "".join((*parts, "-".join(map(_band, bands)), "\x1b\\"))


def _band(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> str:
    """Up to six rows: for each color the columns that have it; `$` goes back to the left."""
    weights = 1 << np.arange(len(pixels), dtype=np.uint8)[:, None]
    lines = []
    for number in np.unique(pixels).tolist():
        columns = ((pixels == number) * weights).sum(axis=0, dtype=np.uint8) + FIRST_CHARACTER
        runs = _RUN.sub(lambda run: b"!%d%c" % (len(run[0]), run[1][0]), columns.astype(np.uint8).tobytes())
        lines.append(f"#{number}{runs.decode('ascii')}")
    return "$".join(lines)
