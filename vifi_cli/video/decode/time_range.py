"""The frames of a part of a video, the same as the full video yields there, without decoding what is before it."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from vifi_cli.errors import InvalidInput
from vifi_cli.video.decode.container import open_video, unwatched
from vifi_cli.video.decode.decoder import decode_frames, in_chunks, slot_seconds_of
from vifi_cli.video.decode.frame_sampling import FrameChooser, FrameSampling
from vifi_cli.video.decode.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.decode.picture import FrameScaler
from vifi_cli.video.decode.selective import FramesMissing, SelectiveDecoding
from vifi_cli.video.moment import TimeRange


def decode_range(
    path: Path, sampling: FrameSampling, geometry: FrameGeometry, part: TimeRange
) -> Iterator[Frames]:
    """Yields the frames of a part in chunks, in order of time, and perhaps some before it.

    Frames are chosen as by `decode_frames`. If the part has none, the last one before it comes, which is on screen
    there; if there is none before it either, the first of all.

    Raises:
        UnreadableVideo: the file yields no frame; the text says why, without the path.
        InvalidInput: the video ends before the time asked for.
    """
    latest = -math.inf
    scaler = FrameScaler(geometry)
    reached = ((seconds, scaler(frame)) for seconds, frame in _reached(path, sampling, part))
    try:
        for chunk in in_chunks(reached):
            latest = float(chunk.seconds[-1])
            yield chunk
    except FramesMissing:
        yield from _from_the_beginning(path, sampling, geometry, part, latest)


def check_reaches(path: Path, length_seconds: float, part: TimeRange) -> None:
    """Raises InvalidInput if a video of this length ends before the time asked for."""
    if part.asked_seconds > length_seconds:
        raise InvalidInput(
            f"{path} ends at {length_seconds:.1f} s, before {part.asked_seconds:.1f} s: choose an earlier time"
        )


def _reached(path: Path, sampling: FrameSampling, part: TimeRange) -> Iterator[tuple[float, VideoFrame]]:
    """Frames from the slot before a part on; raises FramesMissing if seeking does not lead there."""
    with open_video(path) as video:
        width = slot_seconds_of(video, path, sampling)
        slot_start = (math.floor(part.start_seconds / width) - 1) * width
        if slot_start > 0 and not video.seek(slot_start):
            raise FramesMissing
        video.stream.thread_type = "AUTO"
        video.stream.codec_context.thread_count = 0
        decoding = SelectiveDecoding(video, FrameChooser(width), unwatched)
        is_first = True
        for seconds, frame in decoding.frames():
            if is_first and seconds >= max(slot_start, 0.0) + width:
                raise FramesMissing
            if not is_first and seconds >= part.end_seconds:
                return
            is_first = False
            yield seconds, frame
        if is_first:
            raise FramesMissing
        check_reaches(path, decoding.end_seconds, part)


def _from_the_beginning(
    path: Path, sampling: FrameSampling, geometry: FrameGeometry, part: TimeRange, latest: float
) -> Iterator[Frames]:
    """The rest of a part after `latest`, found by decoding everything before it."""
    for chunk in decode_frames(path, sampling, geometry):
        if isinstance(chunk, VideoInfo):
            check_reaches(path, chunk.duration_seconds, part)
            return
        wanted = (chunk.seconds > latest) & (chunk.seconds < part.end_seconds)
        wanted[: max(int(np.searchsorted(chunk.seconds, part.start_seconds)) - 1, 0)] = False
        wanted[0] |= math.isinf(latest) and not wanted.any()
        if wanted.any():
            yield Frames(chunk.pixels[wanted], chunk.seconds[wanted])
            latest = float(chunk.seconds[wanted][-1])
        if chunk.seconds[-1] >= part.end_seconds:
            return
