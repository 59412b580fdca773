"""The values that decoding yields: frames with their times, and what a file turned out to be."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class FrameGeometry:
    """The picture an encoder wants, and how it is cut from a frame.

    Attributes:
        height: rows of the result, in pixels.
        width: columns of the result, in pixels.
        resize: `shortest` scales the short side to fit and cuts the centre (CLIP), `squash` ignores the
            aspect ratio (SigLIP), `longest` scales the long side to fit and pads with `fill` (open_clip).
        interpolation: the scaling filter of the reference preprocessing.
        fill: grey level 0..255 of the padding; used by `longest` only.
    """

    height: int
    width: int
    resize: Literal["shortest", "squash", "longest"] = "shortest"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    fill: int = 0

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a frame needs at least one pixel, not {self.height} x {self.width}")


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frames of one video in order of time.

    Attributes:
        pixels: uint8 (T, H, W, 3), RGB, upright.
        seconds: float64 (T,), presentation times from the start of the video, ascending.
    """

    pixels: npt.NDArray[np.uint8]
    seconds: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[-1] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"pixels must be uint8 (T, H, W, 3), not {self.pixels.dtype} {self.pixels.shape}"
            )
        if self.seconds.shape != self.pixels.shape[:1]:
            raise ValueError(f"{len(self.pixels)} frames need as many times, not {self.seconds.shape}")

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What decoding found out about a file.

    Attributes:
        duration_seconds: from the first frame's start to the last frame's end.
        width: of the upright picture, in pixels.
        height: of the upright picture, in pixels.
        codec: FFmpeg's name of the video codec, such as `h264`.
        decoding: how the frames were reached: `sequential`, `keyframes`, ... (see `decode.decoder`).
        decode_seconds: CPU time of decoding.
        warning: what is wrong with a file that could be read only in part.
    """

    duration_seconds: float
    width: int
    height: int
    codec: str
    decoding: str
    decode_seconds: float = 0.0
    warning: str | None = None
