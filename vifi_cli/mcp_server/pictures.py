"""Frames of videos as JPEG, which every client can show."""

import io
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.export.preview import frame_picture
from vifi_cli.video.workers.isolated_worker import Report

JPEG_QUALITY = 85


@dataclass(frozen=True, slots=True, eq=False)
class FramePicture:
    """A frame as JPEG; width and height in pixels."""

    jpeg: bytes
    width: int
    height: int


def make_frame_picture(
    path: Path, seconds: float, height: int, clock: FileClock | None, _: Report
) -> FramePicture:
    """The frame on screen at a time; raises UnreadableVideo. It runs in another process."""
    picture = frame_picture(path, seconds, height, clock)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=JPEG_QUALITY)
    return FramePicture(stream.getvalue(), picture.width, picture.height)
