"""Small pictures of a moment for web pages: a still, and a short animation that needs no player."""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from PIL import Image

from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.container.container import unwatched
from vifi_cli.video.export.open_moment import OpenMoment, at_even_times, open_moment
from vifi_cli.video.moment import Moment
from vifi_cli.video.pictures.orientation import Orientation

PREVIEW_HEIGHT = 180
PREVIEW_FRAMES_PER_SECOND = 8
LONGEST_PREVIEW_SECONDS = 6.0
WIDEST = 4  # times as wide as high, at most
WEBP_QUALITY = 50
WEBP_EFFORT = 2  # of 0..6; more is slow and saves little at this size


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A moment's first frame, and all of it as an animation, both as WebP."""

    still: bytes
    moving: bytes


def still(path: Path, seconds: float, height: int = PREVIEW_HEIGHT, clock: FileClock | None = None) -> bytes:
    """The frame on screen at a time, as WebP; height in pixels at most. A clock that is not known is found out."""
    return _webp(frame_picture(path, seconds, height, clock))


def frame_picture(path: Path, seconds: float, height: int, clock: FileClock | None = None) -> Image.Image:
    """The same as a picture in memory."""
    with open_moment(Moment(path, seconds, math.inf, clock=clock)) as moment:
        return _small(moment, moment.first, height)


def still_pixels(
    path: Path, seconds: float, height: int, clock: FileClock | None, alive: Callable[[], None] = unwatched
) -> npt.NDArray[np.uint8]:
    """The frame on screen at a time as pixels, uint8 (H, W, 3); arguments are those of `still`."""
    with open_moment(Moment(path, seconds, math.inf, clock=clock), alive) as moment:
        return np.asarray(_small(moment, moment.first, height))


def preview_of(moment: Moment, report: Callable[[float], None], height: int = PREVIEW_HEIGHT) -> Preview:
    """A moment's still and animation, from reading the video once; calls `report` often."""
    pictures = preview_pictures(moment, height, lambda: report(0.0))
    return Preview(_webp(pictures[0]), animated_webp(pictures))


def preview_pictures(
    moment: Moment, height: int = PREVIEW_HEIGHT, alive: Callable[[], None] = unwatched
) -> list[Image.Image]:
    """A moment's pictures at even times, upright, in the shape the video is shown in; height in pixels at most.

    They last 6 seconds at most, so a longer moment runs faster.
    """
    with open_moment(moment, alive) as opened:
        return [_small(opened, frame, height) for frame in _evenly(opened, moment)]


def animated_webp(pictures: list[Image.Image]) -> bytes:
    """Pictures as an animation that repeats forever."""
    duration_ms = 1000 // PREVIEW_FRAMES_PER_SECOND
    return _webp(pictures[0], save_all=True, append_images=pictures[1:], duration=duration_ms, loop=0)


def _webp(picture: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=WEBP_QUALITY, method=WEBP_EFFORT, **options)
    return stream.getvalue()


def _evenly(opened: OpenMoment, moment: Moment) -> Iterator[VideoFrame]:
    """The frames on screen at even times, as many as fit into a preview."""
    end = min(moment.end_seconds, opened.video.duration_seconds or math.inf)
    length = end - opened.start_seconds if end < math.inf else LONGEST_PREVIEW_SECONDS
    pace = max(1 / PREVIEW_FRAMES_PER_SECOND, length / (LONGEST_PREVIEW_SECONDS * PREVIEW_FRAMES_PER_SECOND))
    return at_even_times(opened.frames(), opened.start_seconds, pace)


def _small(opened: OpenMoment, frame: VideoFrame, height: int) -> Image.Image:
    orientation = Orientation.of(frame)
    shown = frame.width * float(opened.video.stream.sample_aspect_ratio or 1), float(frame.height)
    highest, widest = (WIDEST * height, height) if orientation.transposed else (height, WIDEST * height)
    scale = min(1.0, highest / shown[1], widest / shown[0])
    columns, rows = (max(1, round(side * scale)) for side in shown)
    small = frame.reformat(columns, rows, "rgb24", interpolation=Interpolation.AREA)
    picture = small.to_ndarray().astype(np.uint8, copy=False)
    return Image.fromarray(np.ascontiguousarray(orientation.applied(picture)))
