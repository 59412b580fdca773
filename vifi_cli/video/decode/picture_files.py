"""Reads picture files, such as photographs and drawings, as the index reads a frame of a video."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageOps

from vifi_cli.errors import InvalidInput
from vifi_cli.video.decode.frames import FrameGeometry
from vifi_cli.video.decode.picture import FrameScaler, Picture

MOVING = {"MPEG"}  # formats that Pillow recognizes and cannot read
BACKGROUND = "white"
DAMAGED = OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error  # what Pillow raises


def is_picture(path: Path) -> bool:
    """Whether a file begins like a readable picture."""
    try:
        with _opened(path) as image:
            return image.format not in MOVING
    except (*DAMAGED, Image.DecompressionBombError):
        return False


def read_picture(path: Path, geometry: FrameGeometry) -> Picture:
    """Reads a picture as the index reads a frame: uint8 (geometry.height, geometry.width, 3), upright, RGB.

    An animation yields its first picture; transparent areas become white.

    Raises:
        InvalidInput: the file is not a picture, or is damaged or too large.
    """
    try:
        with _opened(path) as image:
            rgb = _in_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise InvalidInput(f"{path} is too large to be read as a picture: scale it down first") from error
    except DAMAGED as error:
        raise InvalidInput(f"{path} cannot be read as a picture ({error}): name another one") from error
    return FrameScaler(geometry)(VideoFrame.from_ndarray(np.array(rgb), format="rgb24"))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a picture's size and odd metadata, which no user can fix
        with Image.open(path) as image:
            yield image


def _in_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow would clip 16 bits at 255 instead of scaling them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), with_alpha).convert("RGB")
