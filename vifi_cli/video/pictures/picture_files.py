"""Reads picture files, such as photographs and drawings, as the index reads a frame of a video."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageOps

from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.virtual.frame_folders import DAMAGED
from vifi_cli.video.pictures.frames import MOST_PIXELS, FrameGeometry
from vifi_cli.video.pictures.picture import FrameScaler, Picture

# all that Pillow reads without help; for others, such as PostScript, it starts other programs
FORMATS = (
    *("AVIF", "BMP", "DDS", "DIB", "GIF", "ICNS", "ICO", "JPEG", "JPEG2000"),
    *("PCX", "PNG", "PPM", "QOI", "SGI", "TGA", "TIFF", "WEBP", "XBM"),
)
REDUCED_PIXELS = 16 * 2**20  # a picture with more is made smaller before it is converted, to save memory
FINER = 4  # how many times as large as asked for it stays then
REDUCIBLE = {"L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I", "F"}
BACKGROUND = "white"


def is_picture(path: Path) -> bool:
    """Whether a file begins like a picture."""
    try:
        with opened_picture(path):
            return True
    except Image.DecompressionBombError:
        return True
    except DAMAGED:
        return False


def read_picture(path: Path, geometry: FrameGeometry) -> Picture:
    """Reads a picture as the index reads a frame: uint8 (geometry.height, geometry.width, 3), upright, RGB.

    An animation yields its first picture; transparent areas become white.

    Raises:
        InvalidInput: the file is not a picture, or is damaged or too large.
    """
    try:
        with opened_picture(path) as image:
            _check_size(path, image)
            rgb = _upright_rgb(image, geometry)
    except Image.DecompressionBombError as error:
        raise InvalidInput(f"{path} is too large to be read as a picture: scale it down first") from error
    except DAMAGED as error:
        raise InvalidInput(f"{path} cannot be read as a picture ({error}): name another one") from error
    return _scaled(rgb, geometry)


def scaled_picture(image: Image.Image, geometry: FrameGeometry) -> Picture:
    """An open picture as the index reads a frame; see `read_picture`."""
    return _scaled(_upright_rgb(image, geometry), geometry)


def _upright_rgb(image: Image.Image, geometry: FrameGeometry) -> Image.Image:
    return _in_rgb(_reduced(ImageOps.exif_transpose(image), geometry))


def _scaled(rgb: Image.Image, geometry: FrameGeometry) -> Picture:
    return FrameScaler(geometry)(VideoFrame.from_ndarray(np.array(rgb), format="rgb24"))


@contextmanager
def opened_picture(file: Path | BinaryIO) -> Iterator[Image.Image]:
    """Opens a picture, whose beginning is read; it raises one of `DAMAGED`, or DecompressionBombError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a picture's size and odd metadata, which no user can fix
        with Image.open(file, formats=FORMATS) as image:
            yield image


def _check_size(path: Path, image: Image.Image) -> None:
    """Raises InvalidInput for a picture that would fill the memory; a photograph is decoded at half its size."""
    if image.width * image.height > MOST_PIXELS and not image.info.get("progressive"):
        image.draft(None, (image.width // 2, image.height // 2))
    if image.width * image.height > MOST_PIXELS:
        size, most = f"{image.width} x {image.height}", f"{MOST_PIXELS / 1e6:.0f} million"
        raise InvalidInput(f"{path} has {size} pixels, more than vifi reads ({most}): scale it down first")


def _reduced(image: Image.Image, geometry: FrameGeometry) -> Image.Image:
    """The picture, made smaller by a simple mean if it is huge."""
    factor = min(image.width // (FINER * geometry.width), image.height // (FINER * geometry.height))
    if image.width * image.height <= REDUCED_PIXELS or factor < 2 or image.mode not in REDUCIBLE:
        return image
    return image.reduce(factor)


def _in_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow would clip 16 bits at 255 instead of scaling them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), with_alpha).convert("RGB")
