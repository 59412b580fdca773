"""From a decoded frame to the upright RGB picture an encoder wants, scaled by FFmpeg's scaler.

Scaled sizes and cuts follow torchvision's `Resize` and `CenterCrop` and open_clip's `ResizeKeepRatio` and
`CenterCropOrPad`, so the result equals the reference preprocessing but for the filter's last digits.
Pixels are taken as square, as the reference tools do. The frame's own colour matrix and range are used.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from vifi_cli.video.frames import FrameGeometry

# without FULL_CHR_H_INT the scaler computes colour for every other column only
ACCURATE = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
FILTERS = {
    "bicubic": int(Interpolation.BICUBIC | ACCURATE),
    "bilinear": int(Interpolation.BILINEAR | ACCURATE),
}
# a strip of a picture, thousands of times wider than high, must not fill the memory when scaled up
LONGEST_TO_SHORTEST = 32

Picture = npt.NDArray[np.uint8]


class FrameScaler:
    """Turns decoded frames into pictures of one geometry; keep one for a video, since it is set up once."""

    def __init__(self, geometry: FrameGeometry, threads: int = 1) -> None:
        self.geometry = geometry
        self._threads = threads
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Picture:
        """The upright picture, uint8 (geometry.height, geometry.width, 3)."""
        turns = quarter_turns(frame.rotation)
        height, width = upright_size(frame)
        height, width = scaled_size(height, width, self.geometry)
        if turns % 2:
            height, width = width, height
        scaled = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            interpolation=FILTERS[self.geometry.interpolation],
            threads=self._threads,
        )
        picture = np.rot90(scaled.to_ndarray().astype(np.uint8, copy=False), turns)
        return centre(picture, self.geometry)


def quarter_turns(rotation_degrees: float) -> Literal[0, 1, 2, 3]:
    """How often a picture is turned counter-clockwise by 90 degrees to stand upright."""
    turns: tuple[Literal[0, 1, 2, 3], ...] = (0, 1, 2, 3)
    return turns[round(rotation_degrees / 90) % 4]


def upright_size(frame: VideoFrame) -> tuple[int, int]:
    """Height and width of the frame as it is meant to be seen."""
    if quarter_turns(frame.rotation) % 2:
        return frame.width, frame.height
    return frame.height, frame.width


def scaled_size(height: int, width: int, geometry: FrameGeometry) -> tuple[int, int]:
    """Height and width of the whole picture when scaled, before it is cut or padded."""
    if geometry.resize == "squash":
        return geometry.height, geometry.width
    longest = LONGEST_TO_SHORTEST * max(geometry.height, geometry.width)
    if geometry.resize == "shortest" and geometry.height == geometry.width:
        side = geometry.height
        scaled = (int(side * height / width), side) if width <= height else (side, int(side * width / height))
    else:
        ratios = height / geometry.height, width / geometry.width
        ratio = min(ratios) if geometry.resize == "shortest" else max(ratios)
        scaled = round(height / ratio), round(width / ratio)
    return min(max(scaled[0], 1), longest), min(max(scaled[1], 1), longest)


def centre(picture: Picture, geometry: FrameGeometry) -> Picture:
    """Cut the picture's centre to the geometry's size, padding where it is smaller."""
    missing = [max(0, wanted - size) for wanted, size in zip(_sides(geometry), picture.shape, strict=False)]
    if any(missing):
        borders = [(gap // 2, gap - gap // 2) for gap in missing]
        picture = np.pad(picture, [*borders, (0, 0)], constant_values=geometry.fill)
    top, left = (
        round((size - wanted) / 2) for wanted, size in zip(_sides(geometry), picture.shape, strict=False)
    )
    return np.ascontiguousarray(picture[top : top + geometry.height, left : left + geometry.width])


def _sides(geometry: FrameGeometry) -> tuple[int, int]:
    return geometry.height, geometry.width
