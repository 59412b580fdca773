"""What decoding is asked for and yields: the geometry of pictures, frames with their times, facts about the file."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.video.clock.file_clock import PLAIN_CLOCK, FileClock

MOST_PIXELS = 8192 * 8192
"""Of a frame or picture: the most that hardware decoders play. 8K has 33 million, 360-degree cameras up to 66."""


@dataclass(frozen=True, slots=True)
class FrameGeometry:
    """The picture an encoder wants, in pixels, and how it is cut from a frame.

    `shortest` scales the short side to fit and cuts the center (CLIP), `squash` ignores the aspect ratio (SigLIP),
    `longest` scales the long side to fit and pads with `fill` (open_clip).
    """

    height: int
    width: int
    resize: Literal["shortest", "squash", "longest"] = "shortest"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"  # the filter of the reference preprocessing
    fill: int = 0  # gray level 0..255

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a frame needs at least one pixel, not {self.height} x {self.width}")


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frames of one video in order of time."""

    pixels: npt.NDArray[np.uint8]  # (T, H, W, 3), RGB, upright
    seconds: npt.NDArray[np.float64]  # (T,), presentation times from the start of the video, ascending
    of_seconds: float = 0.0  # the length of the video, to show progress; 0 if unknown, and perhaps wrong

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[-1] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels are uint8 (T, H, W, 3), not {self.pixels.dtype} {self.pixels.shape}")
        if self.seconds.shape != self.pixels.shape[:1]:
            raise ValueError(f"{len(self.pixels)} frames need as many times, not {self.seconds.shape}")

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What decoding found out about a file; width and height of the upright picture in pixels."""

    duration_seconds: float  # from the first frame's start to the last frame's end
    width: int
    height: int
    codec: str  # FFmpeg's name, such as `h264`
    decoding: str  # how the frames were reached: `sequential`, `selective` or `keyframes`
    decode_seconds: float = 0.0  # CPU time
    warning: str | None = None  # what is wrong with a file that could be read only in part
    clock: FileClock = PLAIN_CLOCK  # how its times are counted
