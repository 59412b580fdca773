"""The frames of a part of a video: the very ones the whole video gives there, without reading what is before it."""

import math
from collections.abc import Iterator
from pathlib import Path

from av.video.frame import VideoFrame

from vifi_cli.errors import InvalidInput
from vifi_cli.video.container import open_video
from vifi_cli.video.decoder import decode_frames, in_chunks, slot_seconds_of
from vifi_cli.video.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.picture import FrameScaler
from vifi_cli.video.sampling import FrameChooser, FrameSampling
from vifi_cli.video.selective import FramesMissing, SelectiveDecoding


def decode_stretch(
    path: Path,
    sampling: FrameSampling,
    geometry: FrameGeometry,
    start_seconds: float = 0.0,
    end_seconds: float = math.inf,
) -> Iterator[Frames]:
    """Yield the frames of a stretch in chunks, in order of time, and some before it.

    Frames are chosen as `decode_frames` chooses them. Where none lies in the stretch, the last one before it is the
    one that is on screen there, or the first of all where none is before it.

    Args:
        path: the file.
        sampling: how densely frames are taken.
        geometry: the picture that each frame becomes.
        start_seconds: where the stretch begins.
        end_seconds: where it ends.

    Raises:
        UnreadableVideo: no frame can be had from the file; the text says why, without the path.
        InvalidInput: the video ends before the stretch begins.
    """
    latest = -math.inf
    scaler = FrameScaler(geometry)
    try:
        for chunk in in_chunks(
            (seconds, scaler(frame))
            for seconds, frame in _reached(path, sampling, start_seconds, end_seconds)
        ):
            latest = float(chunk.seconds[-1])
            yield chunk
    except FramesMissing:
        yield from _read_from_the_beginning(path, sampling, geometry, start_seconds, end_seconds, latest)


def _reached(
    path: Path, sampling: FrameSampling, start_seconds: float, end_seconds: float
) -> Iterator[tuple[float, VideoFrame]]:
    """Frames from the slot on in which a stretch begins; raises FramesMissing if seeking does not lead there."""
    with open_video(path) as video:
        width = slot_seconds_of(video, path, sampling)
        slot_start = math.floor(start_seconds / width) * width
        if slot_start > 0 and not video.seek(slot_start):
            raise FramesMissing
        video.stream.thread_type = "AUTO"
        video.stream.codec_context.thread_count = 0
        decoding = SelectiveDecoding(video, FrameChooser(width), lambda: None)
        is_first = True
        for seconds, frame in decoding.frames():
            if is_first and seconds >= slot_start + width:
                raise FramesMissing
            if not is_first and seconds >= end_seconds:
                return
            is_first = False
            yield seconds, frame
        if is_first:
            raise FramesMissing
        check_reaches(path, start_seconds, decoding.end_seconds)


def _read_from_the_beginning(
    path: Path,
    sampling: FrameSampling,
    geometry: FrameGeometry,
    start_seconds: float,
    end_seconds: float,
    after_seconds: float,
) -> Iterator[Frames]:
    for chunk in decode_frames(path, sampling, geometry):
        if isinstance(chunk, VideoInfo):
            check_reaches(path, start_seconds, chunk.duration_seconds)
            return
        wanted = (chunk.seconds > after_seconds) & (chunk.seconds < end_seconds)
        if math.isinf(after_seconds) and not wanted.any():
            wanted[0] = True
        if wanted.any():
            yield Frames(chunk.pixels[wanted], chunk.seconds[wanted])
            after_seconds = float(chunk.seconds[wanted][-1])
        if chunk.seconds[-1] >= end_seconds:
            return


def check_reaches(path: Path, start_seconds: float, end_seconds: float) -> None:
    """Raises InvalidInput if a video is over, at its end, before a stretch begins."""
    if start_seconds > 0 and start_seconds >= end_seconds:
        raise InvalidInput(
            f"{path} ends at {end_seconds:.1f} s, and {start_seconds:.1f} s was asked for: choose an earlier time"
        )
