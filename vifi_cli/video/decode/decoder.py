"""From a video file, or a part of it, to the frames that represent it: chosen, decoded, upright and scaled."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.processors import ffmpeg_threads
from vifi_cli.video.clock.file_clock import PLAIN_CLOCK, FileClock
from vifi_cli.video.container.clock_reading import clock_of, is_suspect, known_clock, read_clock
from vifi_cli.video.container.container import OpenVideo, open_video, unwatched
from vifi_cli.video.container.demuxing import shares_packets
from vifi_cli.video.container.formats.flv_headers import another_begins_after
from vifi_cli.video.container.packet_times import ClockUnsteady
from vifi_cli.video.decode.file_end import has_other_packets_after
from vifi_cli.video.decode.frame_sampling import FrameChooser, FrameSampling, slot_seconds
from vifi_cli.video.decode.selective import FramesMissing, SelectiveDecoding, TimedFrame
from vifi_cli.video.decode.steady_clock import SteadyClock
from vifi_cli.video.files.content import video_status
from vifi_cli.video.moment import TimeRange
from vifi_cli.video.pictures.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.pictures.picture import FrameScaler, Picture, upright_size
from vifi_cli.wording import counted

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
    clock: FileClock | None = None,
) -> Iterator[Frames | VideoInfo]:
    """Yields a video's frames in chunks of at most `CHUNK_FRAMES`, in order of time, and last its VideoInfo.

    With 0 threads their number follows from the processors. `alive` is called between any two calls of native code,
    which distinguishes a slow file from one that hangs. A clock that is not known is found out on the way.
    """
    started = time.process_time()
    decoding = _Decoding(path, sampling, threads, alive, clock)
    scaler = FrameScaler(geometry, max(threads, 1))
    for chunk in in_chunks((seconds, scaler(frame)) for seconds, frame in decoding.frames()):
        yield replace(chunk, of_seconds=decoding.expected_seconds)
    yield decoding.info(time.process_time() - started)


def in_chunks(pictures: Iterable[tuple[float, Picture]]) -> Iterator[Frames]:
    """Gathers pictures with their seconds into chunks."""
    remaining = iter(pictures)
    while chunk := list(islice(remaining, CHUNK_FRAMES)):
        yield Frames(np.stack([picture for _, picture in chunk]), np.array([seconds for seconds, _ in chunk]))


def slot_seconds_of(video: OpenVideo, sampling: FrameSampling) -> float:
    """The width of a file's slots, by its duration; see `_is_too_short_to_believe`."""
    return slot_seconds(video.duration_seconds or 0.0, sampling)


def _is_too_short_to_believe(video: OpenVideo, sampling: FrameSampling) -> bool:
    """Whether a header declares so short a video that slots would be narrow, if it is not wrong."""
    declared = video.declared_seconds
    return declared is None or slot_seconds(declared, sampling) * sampling.frames_per_second < 1


def _clock_read_first(
    path: Path, sampling: FrameSampling, alive: Callable[[], None] = unwatched
) -> FileClock | None:
    """The clock of a file whose frames cannot be chosen before its packets are read; None if they can."""
    if (known := known_clock(path)) is not None:
        return known
    with open_video(path) as video:
        if not (
            shares_packets(video.container)
            or _is_too_short_to_believe(video, sampling)
            or is_suspect(video, video_status(path).st_size)
        ):
            return None
    return read_clock(path, alive)


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

    def __init__(
        self,
        path: Path,
        sampling: FrameSampling,
        threads: int,
        alive: Callable[[], None],
        clock: FileClock | None,
    ) -> None:
        self._path = path
        self._sampling = sampling
        self._threads = threads
        self._alive = alive
        self._clock = clock
        self._upright_size: tuple[int, int] | None = None
        self.expected_seconds = 0.0  # as far as the length is known once a frame has come
        self._video: OpenVideo
        self._decoding: SelectiveDecoding | SequentialDecoding

    def frames(self) -> Iterator[TimedFrame]:
        """The chosen frames with their seconds, in order."""
        latest = -math.inf
        for seconds, frame in self._on_one_clock():
            if seconds > latest:  # else it came before, in another attempt
                latest = seconds
                yield seconds, frame
        if self._upright_size is None:
            raise UnreadableVideo(self._video.why_no_frame())

    def _on_one_clock(self) -> Iterator[TimedFrame]:
        self._clock = self._clock or _clock_read_first(self._path, self._sampling, self._alive)
        try:
            yield from self._in_parts_or_in_full()
        except ClockUnsteady:
            self._clock = read_clock(self._path, self._alive)
            yield from self._in_parts_or_in_full()

    def _in_parts_or_in_full(self) -> Iterator[TimedFrame]:
        try:
            yield from self._decode(SelectiveDecoding)
        except FramesMissing:
            yield from self._decode(SequentialDecoding)

    def _decode(self, way: type[SelectiveDecoding | SequentialDecoding]) -> Iterator[TimedFrame]:
        with open_video(self._path, self._clock) as video:
            self._alive()
            video.stream.thread_type = "AUTO"
            video.stream.codec_context.thread_count = self._threads or ffmpeg_threads()
            self._video, self.expected_seconds = video, video.duration_seconds or 0.0
            chooser = FrameChooser(slot_seconds_of(video, self._sampling))
            self._decoding = way(video, chooser, self._alive)
            for seconds, frame in self._decoding.frames():
                self._upright_size = self._upright_size or upright_size(frame)
                yield seconds, frame
            self._codec = video.stream.codec_context.codec.canonical_name
            is_plain = self._clock is None or self._clock.is_plain
            self._declared_seconds = video.declared_seconds if is_plain else video.duration_seconds
            self._declares_pictures = video.declares_pictures
            is_flv = video.container.format.name == "flv"
            self._is_joined = is_flv and another_begins_after(video.source, video.times.place[0])

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
            clock=self._clock or PLAIN_CLOCK,
        )

    def _goes_on(self) -> bool:
        """Whether the file goes on to its declared end, with sound perhaps, so that no pictures are missing."""
        declared = self._declared_seconds or 0.0
        latest = declared - max(MISSING_SECONDS, MISSING_SHARE * declared)
        return not self._declares_pictures and has_other_packets_after(self._path, latest)

    def _warning(self) -> str | None:
        end, declared = self._decoding.end_seconds, self._declared_seconds or 0.0
        remarks = []
        if self._clock is not None and self._clock.warning:
            remarks.append(self._clock.warning)
        if self._video.packets_damaged:
            remarks.append(
                f"{counted(self._video.packets_damaged, 'damaged packet was', 'damaged packets were')} skipped"
            )
        if self._video.encrypted:
            remarks.append(f"encrypted from {end:.1f} s on")
        elif declared - end > max(MISSING_SECONDS, MISSING_SHARE * declared) and not self._goes_on():
            remarks.append(f"the pictures end at {end:.1f} of {declared:.1f} s")
        if self._is_joined:
            remarks.append(f"another recording, joined to it at {end:.1f} s, is not read: split the file")
        if self._video.ignored_streams:
            remarks.append(self._video.ignored_streams)
        return "; ".join(remarks) or None


def decode_range(
    path: Path,
    sampling: FrameSampling,
    geometry: FrameGeometry,
    part: TimeRange,
    clock: FileClock | None = None,
) -> Iterator[Frames]:
    """Yields the frames of a part in chunks, in order of time, and perhaps some before it.

    They are the frames that `decode_frames` yields there, but nothing before the part is decoded. If the part has none,
    the last one before it comes, which is on screen there; if there is none before it either, the first of all.

    Raises:
        InvalidInput: the video ends before the time asked for.
    """
    latest = -math.inf
    scaler = FrameScaler(geometry)
    clock = clock or clock_of(path)
    if clock.duration_seconds is None:
        clock = _clock_read_first(path, sampling) or clock
    reached = ((seconds, scaler(frame)) for seconds, frame in _reached(path, sampling, part, clock))
    try:
        for chunk in in_chunks(reached):
            latest = float(chunk.seconds[-1])
            yield chunk
    except FramesMissing:
        chunks = decode_frames(path, sampling, geometry, clock=clock)
        yield from _from_the_beginning(path, chunks, part, latest)


def check_reaches(path: Path, length_seconds: float, part: TimeRange) -> None:
    """Raises InvalidInput if a video of this length ends before the time asked for."""
    if part.asked_seconds > length_seconds:
        raise InvalidInput(
            f"{path} ends at {length_seconds:.1f} s, before {part.asked_seconds:.1f} s: choose an earlier time"
        )


def _reached(path: Path, sampling: FrameSampling, part: TimeRange, clock: FileClock) -> Iterator[TimedFrame]:
    """Frames from the slot before a part on; raises FramesMissing if seeking does not lead there."""
    with open_video(path, clock) as video:
        width = slot_seconds_of(video, sampling)
        slot_start = (math.floor(part.start_seconds / width) - 1) * width
        if slot_start > 0 and not video.seek(slot_start):
            raise FramesMissing
        video.stream.thread_type = "AUTO"
        video.stream.codec_context.thread_count = ffmpeg_threads()
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
    path: Path, chunks: Iterator[Frames | VideoInfo], part: TimeRange, latest: float
) -> Iterator[Frames]:
    """The rest of a part after `latest`, found by decoding everything before it."""
    for chunk in chunks:
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
