"""From a video file, or a part of it, to the frames that represent it: chosen, decoded, upright and scaled."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.video.decode.container import OpenVideo, SteadyClock, measured_seconds, open_video, unwatched
from vifi_cli.video.decode.frame_sampling import FrameChooser, FrameSampling, slot_seconds
from vifi_cli.video.decode.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.decode.picture import FrameScaler, Picture, upright_size
from vifi_cli.video.decode.selective import FramesMissing, SelectiveDecoding, TimedFrame
from vifi_cli.video.moment import TimeRange

CHUNK_FRAMES = 32
# a file whose frames end this much before its declared end was cut off
MISSING_SHARE, MISSING_SECONDS = 0.1, 1.0


def decode_frames(
    path: Path,
    sampling: FrameSampling,
    geometry: FrameGeometry,
    *,
    threads: int = 0,
    alive: Callable[[], None] = unwatched,
) -> Iterator[Frames | VideoInfo]:
    """Yields a video's frames in chunks of at most `CHUNK_FRAMES`, in order of time, and last its VideoInfo.

    With 0 threads FFmpeg decides on their number. `alive` is called between any two calls of native code, which
    distinguishes a slow file from one that hangs.
    """
    started = time.process_time()
    decoding = _Decoding(path, sampling, threads, alive)
    scaler = FrameScaler(geometry, max(threads, 1))
    yield from in_chunks((seconds, scaler(frame)) for seconds, frame in decoding.frames())
    yield decoding.info(time.process_time() - started)


def in_chunks(pictures: Iterable[tuple[float, Picture]]) -> Iterator[Frames]:
    """Gathers pictures with their seconds into chunks."""
    remaining = iter(pictures)
    while chunk := list(islice(remaining, CHUNK_FRAMES)):
        yield Frames(np.stack([picture for _, picture in chunk]), np.array([seconds for seconds, _ in chunk]))


def slot_seconds_of(
    video: OpenVideo, path: Path, sampling: FrameSampling, alive: Callable[[], None] = unwatched
) -> float:
    """The width of a file's slots. If its header declares a short video, the packets are measured instead."""
    declared = video.declared_seconds
    if declared is None or slot_seconds(declared, sampling) * sampling.frames_per_second < 1:
        declared = measured_seconds(path, alive)
    return slot_seconds(declared, sampling)


class SequentialDecoding:
    """Decodes every frame of an open video, for files whose times or keyframes are wrong or damaged."""

    way = "sequential"

    def __init__(self, video: OpenVideo, chooser: FrameChooser, alive: Callable[[], None]) -> None:
        self.end_seconds = 0.0  # of the last frame
        self._video = video
        self._chooser = chooser
        self._alive = alive

    def frames(self) -> Iterator[TimedFrame]:
        """The chosen frames with their seconds, in order."""
        clock = SteadyClock(self._video)
        held: dict[float, VideoFrame] = {}
        for frame in self._video.frames(self._alive):
            seconds = clock.read(frame)
            self.end_seconds = clock.end_seconds
            if seconds is None:
                continue
            held[seconds] = frame
            for chosen in self._chooser.see(seconds, frame.key_frame, seconds):
                yield chosen, held[chosen]
            kept = self._chooser.keep_candidates()
            held = {time: held[time] for time in kept if time in held}
        for chosen in self._chooser.finish(self.end_seconds):
            yield chosen, held[chosen]


class _Decoding:
    """Decodes one file in parts if that yields its frames, else in full, and reports what it found."""

    def __init__(self, path: Path, sampling: FrameSampling, threads: int, alive: Callable[[], None]) -> None:
        self._path = path
        self._sampling = sampling
        self._threads = threads
        self._alive = alive
        self._upright_size: tuple[int, int] | None = None
        self._video: OpenVideo
        self._decoding: SelectiveDecoding | SequentialDecoding

    def frames(self) -> Iterator[TimedFrame]:
        """The chosen frames with their seconds, in order."""
        latest = -math.inf
        try:
            for latest, frame in self._decode(SelectiveDecoding):
                yield latest, frame
        except FramesMissing:
            yield from (timed for timed in self._decode(SequentialDecoding) if timed[0] > latest)
        if self._upright_size is None:
            raise UnreadableVideo(self._video.why_no_frame())

    def _decode(self, way: type[SelectiveDecoding | SequentialDecoding]) -> Iterator[TimedFrame]:
        with open_video(self._path) as video:
            self._alive()
            video.stream.thread_type = "AUTO"
            video.stream.codec_context.thread_count = self._threads
            self._video = video
            chooser = FrameChooser(slot_seconds_of(video, self._path, self._sampling, self._alive))
            self._decoding = way(video, chooser, self._alive)
            for seconds, frame in self._decoding.frames():
                self._upright_size = self._upright_size or upright_size(frame)
                yield seconds, frame
            self._codec = video.stream.codec_context.codec.canonical_name
            self._declared_seconds = video.declared_seconds

    def info(self, decode_seconds: float) -> VideoInfo:
        """What the file turned out to be, once you have taken its frames."""
        height, width = self._upright_size or (0, 0)
        return VideoInfo(
            duration_seconds=self._decoding.end_seconds,
            width=width,
            height=height,
            codec=self._codec,
            decoding=self._decoding.way,
            decode_seconds=decode_seconds,
            warning=self._warning(),
        )

    def _warning(self) -> str | None:
        end, declared = self._decoding.end_seconds, self._declared_seconds or 0.0
        remarks = []
        if self._video.packets_damaged:
            remarks.append(f"{self._video.packets_damaged} damaged packets were skipped")
        if self._video.encrypted:
            remarks.append(f"encrypted from {end:.1f} s on")
        elif declared - end > max(MISSING_SECONDS, MISSING_SHARE * declared):
            remarks.append(f"the pictures end at {end:.1f} of {declared:.1f} s")
        return "; ".join(remarks) or None


def decode_range(
    path: Path, sampling: FrameSampling, geometry: FrameGeometry, part: TimeRange
) -> Iterator[Frames]:
    """Yields the frames of a part in chunks, in order of time, and perhaps some before it.

    They are the frames that `decode_frames` yields there, but nothing before the part is decoded. If the part has none,
    the last one before it comes, which is on screen there; if there is none before it either, the first of all.

    Raises:
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


def _reached(path: Path, sampling: FrameSampling, part: TimeRange) -> Iterator[TimedFrame]:
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
