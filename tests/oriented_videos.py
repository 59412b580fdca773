"""Videos of four colored quadrants under a display matrix, and what they look like upright."""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.made_videos import solid_picture, write_video

HEIGHT, WIDTH = 64, 96
ONE = 1 << 16
UPRIGHT = {
    (1, 0, 0, 1): "red lime blue white",
    (-1, 0, 0, 1): "lime red white blue",
    (1, 0, 0, -1): "blue white red lime",
    (-1, 0, 0, -1): "white blue lime red",
    (0, 1, 1, 0): "red blue lime white",
    (0, 1, -1, 0): "blue red white lime",
    (0, -1, 1, 0): "lime white red blue",
    (0, -1, -1, 0): "white lime blue red",
}
"""From a matrix (a b c d) to the quadrants, left to right and top to bottom, as `ffmpeg -autorotate` shows them."""
COLORS = "red", "lime", "blue", "white"


def quadrants_picture() -> npt.NDArray[np.uint8]:
    """Red and lime above blue and white, uint8 (64, 96, 3)."""
    parts = [solid_picture(color, HEIGHT // 2, WIDTH // 2) for color in COLORS]
    return np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])])


def write_oriented_video(path: Path, matrix: tuple[float, float, float, float], frames: int = 5) -> Path:
    """An MP4 of ten pictures a second whose header holds the matrix."""
    write_video(path, [quadrants_picture()] * frames)
    content = path.read_bytes()
    plain = _matrix_bytes((1, 0, 0, 1))
    place = content.index(plain, content.index(b"tkhd"))
    path.write_bytes(content[:place] + _matrix_bytes(matrix) + content[place + len(plain) :])
    return path


def quadrants_of(picture: npt.NDArray[np.uint8]) -> str:
    """The colors of a picture's quadrants, left to right and top to bottom."""
    height, width = picture.shape[:2]
    places = [
        (row, column) for row in (height // 4, 3 * height // 4) for column in (width // 4, 3 * width // 4)
    ]
    return " ".join(_color_name(picture[place]) for place in places)


def _color_name(pixel: npt.NDArray[np.uint8]) -> str:
    distances = [np.abs(solid_picture(color, 1, 1)[0, 0].astype(int) - pixel).max() for color in COLORS]
    return COLORS[int(np.argmin(distances))] if min(distances) < 60 else "?"


def _matrix_bytes(matrix: tuple[float, float, float, float]) -> bytes:
    a, b, c, d = (round(ONE * value) for value in matrix)
    return struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
