"""From files to embeddings: decoding runs ahead, frames or clips are encoded in batches that span videos."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from vifi_cli.index.arrays import Float16Array, Float64Array
from vifi_cli.index.catalog.records import EncodedVideo, FailedFile
from vifi_cli.index.encoder import Encoder, clip_length_of, embed_clips
from vifi_cli.index.update.model_guard import ModelGuard, NotFinite, is_finite, to_float16
from vifi_cli.processors import usable_processors
from vifi_cli.video.clips.clip_cutting import ClipCutter, Clips
from vifi_cli.video.container.source_file import why_not_opened
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.content import video_status
from vifi_cli.video.files.digests import ContentDigests
from vifi_cli.video.files.file_state import is_unchanged
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.pictures.frames import VideoInfo
from vifi_cli.video.workers.decode_ahead import (
    DecodedChunk,
    DecodedVideo,
    Decoders,
    DecodingEvent,
    FailedVideo,
    decode_ahead,
)

BATCH_SIZE = 32
MOST_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an index run has come."""

    files: int  # to be read
    size_bytes: int  # their total size
    files_done: int = 0  # encoded or failed
    bytes_done: float = 0.0  # their total size, and the part of those in work that is decoded
    video_seconds: float = 0.0  # length decoded, files in work included
    files_stored: int = 0  # done for good

    def plus(self, part: "Progress") -> "Progress":
        """The progress of a run after a further part of its files."""
        return replace(
            self,
            files_done=self.files_done + part.files_done,
            bytes_done=self.bytes_done + part.bytes_done,
            video_seconds=self.video_seconds + part.video_seconds,
        )


@dataclass(slots=True)
class EncodingTimes:
    """Where the time of an encoding run goes; filled in as it runs."""

    waiting_seconds: float = 0.0  # for decoded frames
    encoding_seconds: float = 0.0  # in the encoder


@dataclass(slots=True)
class _VideoInWork:
    """A video whose frames are arriving."""

    cutter: ClipCutter
    seconds: list[Float64Array] = field(default_factory=list)
    embeddings: list[Float16Array] = field(default_factory=list)
    clips_waiting: int = 0
    info: VideoInfo | None = None
    content: ContentDigests | None = None

    @property
    def is_complete(self) -> bool:
        return self.info is not None and self.clips_waiting == 0


def decoder_processes() -> int:
    """How many decoding processes suit this machine: half its cores, since each uses two threads."""
    return max(1, min(MOST_WORKERS, usable_processors() // 2))


def encode_videos(
    videos: Sequence[VideoFile],
    encoder: Encoder,
    sampling: FrameSampling,
    *,
    times: EncodingTimes | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    workers: int | None = None,
) -> Iterator[EncodedVideo | FailedFile]:
    """Decodes and encodes videos, yielding each as soon as its last frame is encoded.

    Memory stays bounded by the decoders' queues, one batch, and of the videos in work the frames of one clip and the
    embeddings.
    When it is stopped, as by Ctrl-C, it yields what is complete before it stops.

    Raises:
        IndexProblem: the encoder gives no video embeddings that are finite float16 numbers.
    """
    times = times or EncodingTimes()
    in_work: dict[int, _VideoInWork] = {}
    batch, guard, length = _ClipBatch(encoder, times), ModelGuard(encoder), clip_length_of(encoder)
    tracker = _ProgressTracker(videos, on_progress)
    events = decode_ahead(
        [video.path for video in videos],
        sampling,
        encoder.geometry,
        Decoders(workers or decoder_processes()),
        digested=True,
    )
    with closing(events):  # ends the decoding processes whatever happens here
        try:
            for event in _timed(events, times):
                video = in_work.setdefault(event.position, _VideoInWork(ClipCutter(length)))
                tracker.heard(event)
                if isinstance(event, DecodedChunk):
                    batch.add(video, video.cutter.add(event.frames))
                elif isinstance(event, DecodedVideo):
                    video.info, video.content = event.info, event.content
                    if clips := video.cutter.finish(event.info.duration_seconds):
                        batch.add(video, clips)
                else:
                    batch.drop(in_work.pop(event.position))
                    yield _failed(videos[event.position], event)
                yield from guard.judge(_take_complete(in_work, videos))
        except KeyboardInterrupt:  # keep what is decoded, without encoding what cannot be kept
            for video in [video for video in in_work.values() if video.info is None]:
                batch.drop(video)
            batch.flush()
            yield from guard.judge(_take_complete(in_work, videos))
            raise
    batch.flush()
    yield from guard.judge(_take_complete(in_work, videos))
    yield from guard.held


class _ClipBatch:
    """Clips of several videos that wait to be encoded together; those of a frame encoder are single frames."""

    def __init__(self, encoder: Encoder, times: EncodingTimes) -> None:
        self.encoder, self.times = encoder, times
        self.size = max(BATCH_SIZE // clip_length_of(encoder).frames, 1)
        self.waiting: list[tuple[_VideoInWork, npt.NDArray[np.uint8]]] = []

    def add(self, video: _VideoInWork, clips: Clips) -> None:
        """Adds clips, and encodes the batch once it is full."""
        video.seconds.append(clips.seconds)
        self.waiting.append((video, clips.pixels))
        video.clips_waiting += len(clips)
        if sum(len(pixels) for _, pixels in self.waiting) >= self.size:
            self.flush()

    def drop(self, video: _VideoInWork) -> None:
        """Forgets the clips of a video that is not to be stored."""
        self.waiting = [(other, pixels) for other, pixels in self.waiting if other is not video]

    def flush(self) -> None:
        """Encodes the batch and gives each video its embeddings."""
        waiting = [clips for _, clips in self.waiting if len(clips)]
        if not waiting:
            return
        started = time.perf_counter()
        pixels = np.concatenate(waiting)
        batches = np.array_split(pixels, -(-len(pixels) // self.size))
        embeddings = np.concatenate([to_float16(embed_clips(self.encoder, part)) for part in batches])
        encoded, self.waiting = self.waiting, []
        for video, clips in encoded:
            own, embeddings = embeddings[: len(clips)], embeddings[len(clips) :]
            video.embeddings.append(own)
            video.clips_waiting -= len(clips)
        self.times.encoding_seconds += time.perf_counter() - started


class _ProgressTracker:
    """Turns decoding events into progress."""

    def __init__(self, videos: Sequence[VideoFile], report: Callable[[Progress], None]) -> None:
        self.videos, self.report = videos, report
        self.progress = Progress(len(videos), sum(video.size_bytes for video in videos))
        self.seconds: dict[int, float] = {}
        self.parts: dict[int, float] = {}  # in bytes, of the videos in work
        self.finished_seconds = 0.0

    def heard(self, event: DecodingEvent) -> None:
        """Notes an event and reports."""
        if isinstance(event, DecodedChunk):
            seconds = float(event.frames.seconds[-1])
            self.seconds[event.position] = seconds
            share = seconds / max(event.frames.of_seconds, seconds) if event.frames.of_seconds > 0 else 0.0
            self.parts[event.position] = max(share, 0.0) * self.videos[event.position].size_bytes
        else:
            self.parts.pop(event.position, None)
            seconds = self.seconds.pop(event.position, 0.0)
            self.finished_seconds += (
                event.info.duration_seconds if isinstance(event, DecodedVideo) else seconds
            )
            self.progress = replace(
                self.progress,
                files_done=self.progress.files_done + 1,
                bytes_done=self.progress.bytes_done + self.videos[event.position].size_bytes,
            )
        total = self.finished_seconds + sum(self.seconds.values())
        done = self.progress.bytes_done + sum(self.parts.values())
        self.report(replace(self.progress, bytes_done=done, video_seconds=total))


def _timed(events: Iterator[DecodingEvent], times: EncodingTimes) -> Iterator[DecodingEvent]:
    """Passes events on and adds up the time it took to wait for them."""
    started = time.perf_counter()
    for event in events:
        times.waiting_seconds += time.perf_counter() - started
        yield event
        started = time.perf_counter()


def _take_complete(
    in_work: dict[int, _VideoInWork], videos: Sequence[VideoFile]
) -> Iterator[EncodedVideo | FailedFile | NotFinite]:
    """Yields, and forgets, the videos whose frames are all encoded."""
    for position in [position for position, video in in_work.items() if video.is_complete]:
        yield _outcome(videos[position], in_work.pop(position))


def _outcome(file: VideoFile, video: _VideoInWork) -> EncodedVideo | FailedFile | NotFinite:
    """The video as it is stored, unless its file has changed while it was read, so that parts may not fit together."""
    assert video.info is not None
    assert video.content is not None
    if failure := _why_not_as_found(file):
        return failure
    embeddings = np.concatenate(video.embeddings)
    if not is_finite(embeddings):
        return NotFinite(file)
    return EncodedVideo(
        file=file,
        fingerprint=video.content.fingerprint,
        digest=video.content.complete,
        info=video.info,
        seconds=np.concatenate(video.seconds),
        embeddings=embeddings,
    )


def _failed(file: VideoFile, event: FailedVideo) -> FailedFile:
    """The failure of a file; its content is not to blame if that was just being written."""
    failure = None if event.kind.may_pass else _why_not_as_found(file)
    return failure or FailedFile(file, event.reason, event.kind)


def _why_not_as_found(file: VideoFile) -> FailedFile | None:
    """The failure of a file that is no longer as it was before it was decoded and digested."""
    try:
        if is_unchanged(VideoFile.seen(file.path, video_status(file.path)), file):
            return None
        reason = "it changed while it was read"
    except OSError as error:
        reason = why_not_opened(error)
    return FailedFile(file, reason, FailureKind.OUT_OF_REACH)
