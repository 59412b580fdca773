"""Full frames of a video with their times, upright and uncut: those of a test clip, or at a steady rate."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.video.clips.clip_sampling import FrameNumbers, test_frame_indices
from vifi_cli.video.clips.part_frames import NothingInPart, decode_part, holds, list_part, nothing_in
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.container.clock_reading import clock_of, read_clock
from vifi_cli.video.container.container import OpenVideo, open_video
from vifi_cli.video.decode.decoder import decode_range
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.decode.packet_list import decode_everything, list_packets
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.video.pictures.bilinear import short_side_size
from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.pictures.picture import Picture, upright_size

LARGEST_SHORT_SIDE = 1080  # larger pictures are scaled down to it


@dataclass(frozen=True, slots=True, eq=False)
class FullFrame:
    """A full frame and its time from the start of the video; the picture is uint8 (H, W, 3), RGB, upright."""

    seconds: float
    picture: Picture


def clip_frames(path: Path, frames: int, part: TimeRange = WHOLE_VIDEO) -> tuple[FullFrame, ...]:
    """The frames that represent a video, or a part of it, in a test (`clip_sampling.test_frame_indices`).

    Raises:
        InvalidInput: the part has no frame.
    """
    chosen: npt.NDArray[np.float64] = np.zeros(0)

    def choose(total: int) -> FrameNumbers:
        nonlocal chosen
        numbers = test_frame_indices(total, frames)
        chosen = frame_seconds(path, total, part)[numbers]
        return numbers

    try:
        pictures = read_clip(path, choose, min(picture_size(path)), part)
    except NothingInPart as error:
        raise InvalidInput(str(error)) from error
    return tuple(map(FullFrame, chosen.tolist(), pictures))


def steady_frames(path: Path, frames_per_second: float, part: TimeRange = WHOLE_VIDEO) -> Iterator[FullFrame]:
    """The frames that `decode.frame_sampling` chooses from a video, or a part of it, at a steady rate.

    Raises:
        InvalidInput: the part has no frame.
    """
    geometry = FrameGeometry(*picture_size(path), "squash")
    latest, found = 0.0, False
    for chunk in decode_range(path, FrameSampling(frames_per_second, 1), geometry, part):
        for place in np.flatnonzero(holds(part, chunk.seconds)).tolist():
            found = True
            yield FullFrame(float(chunk.seconds[place]), chunk.pixels[place])
        latest = float(chunk.seconds[-1])
        if latest >= part.end_seconds:
            break
    if not found:
        raise InvalidInput(str(nothing_in(part, latest)))


def expected_frames(path: Path, frames_per_second: float, part: TimeRange = WHOLE_VIDEO) -> int:
    """About how many frames `steady_frames` will yield."""
    with open_video(path, clock_of(path)) as video:
        seconds = min(_duration(path, video), part.end_seconds) - part.start_seconds
    return max(1, round(seconds * frames_per_second))


def frame_seconds(path: Path, total: int, part: TimeRange = WHOLE_VIDEO) -> npt.NDArray[np.float64]:
    """When each frame of a video, or of a part of it, is shown, float64 (total,), ascending.

    It is known by the packets; else by decoding a part, and for a complete video at even times.
    """
    if part != WHOLE_VIDEO:
        listed = list_part(path, part)
        if listed is not None and len(listed) == total:
            return listed.seconds
        return np.array([seconds for seconds, _ in decode_part(path, part)], np.float64)
    with open_video(path, clock_of(path)) as video:
        packets = list_packets(video)
        if packets is None or len(packets) != total:
            return np.arange(total, dtype=np.float64) * (_duration(path, video) / total)
        return packets.seconds(video)


def _duration(path: Path, video: OpenVideo) -> float:
    return video.duration_seconds or read_clock(path).duration_seconds or 0.0


def picture_size(path: Path) -> tuple[int, int]:
    """Height and width of the pictures to return."""
    with open_video(path) as video:
        for frame in decode_everything(video):
            height, width = upright_size(frame)
            if min(height, width) > LARGEST_SHORT_SIDE:
                return short_side_size(height, width, LARGEST_SHORT_SIDE)
            return height, width
        raise UnreadableVideo(video.why_no_frame())
