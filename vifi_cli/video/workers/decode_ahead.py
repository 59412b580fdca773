"""Decodes many videos in other processes, ahead of the consumer of the frames.

    decode_ahead  <-  queue of a few events  <-  threads, each with an isolated worker  <-  worker processes

Queue and connections are bounded and each waits for the one before it, so memory stays flat. A process that
hangs or crashes in native code is replaced; only the video it was working on is lost.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Full, Queue

from vifi_cli.errors import InvalidInput, UnreadableVideo, VifiError
from vifi_cli.video.container.source_file import why_not_opened
from vifi_cli.video.decode.decoder import decode_frames
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.failure_kind import FailureKind, failure_kind
from vifi_cli.video.files.digests import ContentDigests, content_digests
from vifi_cli.video.pictures.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.workers.isolated_worker import STALL_SECONDS, IsolatedWorker, Reporter
from vifi_cli.video.workers.messages import Value
from vifi_cli.video.workers.received_frames import ReceivedFrames

EVENTS_AHEAD = 8
STOP_CHECK_SECONDS = 0.1  # how soon a thread notices that everything is to stop


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """Further frames of the video at a position of the list given."""

    position: int
    frames: Frames


@dataclass(frozen=True, slots=True)
class DecodedVideo:
    """All frames of a video have come."""

    position: int
    info: VideoInfo
    content: ContentDigests | None = None  # of the file, read after its last frame, if asked for


@dataclass(frozen=True, slots=True)
class FailedVideo:
    """A video cannot be decoded, and why; drop the frames that came before."""

    position: int
    reason: str
    kind: FailureKind


DecodingEvent = DecodedChunk | DecodedVideo | FailedVideo


@dataclass(frozen=True, slots=True)
class Decoders:
    """The processes that decode."""

    workers: int = 1  # videos at a time
    threads: int = 2  # for each
    stall_seconds: float = STALL_SECONDS  # after which a silent one counts as hanging


ONE_DECODER = Decoders()


def decode_ahead(
    paths: Sequence[Path],
    sampling: FrameSampling,
    geometry: FrameGeometry,
    decoders: Decoders = ONE_DECODER,
    *,
    digested: bool = False,
) -> Generator[DecodingEvent, None, None]:
    """Yields each video's chunks in order and `DecodedVideo`, or `FailedVideo` at any point.

    The events of several videos come mixed. With `digested`, it also reads each decoded file for its digests. Closing
    the generator ends all processes at once.
    """
    works = [partial(_decode, path, sampling, geometry, decoders.threads) for path in paths]
    receiving = partial(ReceivedFrames, sampling, geometry)
    pool = DecodingPool(works, receiving, decoders, paths if digested else None)
    try:
        yield from pool.events()
    finally:
        pool.stop()


def _decode(
    path: Path, sampling: FrameSampling, geometry: FrameGeometry, threads: int, reporter: Reporter
) -> VideoInfo:
    """Decodes a video in the worker process, and sends its chunks."""
    for decoded in decode_frames(path, sampling, geometry, threads=threads, alive=reporter):
        if isinstance(decoded, VideoInfo):
            return decoded
        reporter.send(Value(decoded))
    raise UnreadableVideo("decoding ended early")


class DecodingPool:
    """Threads that keep one isolated worker busy each, and put what the workers send into one queue."""

    def __init__(
        self,
        works: Sequence[partial[VideoInfo]],
        receiving: Callable[[], ReceivedFrames],
        decoders: Decoders,
        digested: Sequence[Path] | None = None,
    ) -> None:
        """`receiving` makes the checks of one video's frames; the files in `digested`, one a work, are digested too."""
        self._waiting = deque(enumerate(works))
        self._receiving = receiving
        self._events: Queue[DecodingEvent | Exception | None] = Queue(EVENTS_AHEAD)
        self._stopping = False
        self._digested = digested
        isolated = [IsolatedWorker(decoders.stall_seconds) for _ in range(min(decoders.workers, len(works)))]
        self._threads = {
            threading.Thread(target=self._run, args=(worker,), name="decode-ahead", daemon=True): worker
            for worker in isolated
        }

    def events(self) -> Generator[DecodingEvent, None, None]:
        """Starts all, and yields the events; raises the error that stopped a thread."""
        for worker in self._threads.values():
            worker.start()
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            event = self._events.get()
            if isinstance(event, Exception):
                raise event
            if event is None:
                running -= 1
            else:
                yield event

    def stop(self) -> None:
        """Ends all processes and threads."""
        self._stopping = True
        for worker in self._threads.values():
            worker.end()
        for thread, worker in self._threads.items():
            while thread.is_alive():
                worker.end()  # it may just have started its process
                thread.join(STOP_CHECK_SECONDS)

    def _run(self, worker: IsolatedWorker) -> None:
        outcome: Exception | None = RuntimeError("decoding broke off; its thread's traceback says why")
        try:
            while not self._stopping and (next_work := self._next_work()):
                self._put(self._decoded(worker, *next_work))
            outcome = None
        except VifiError as error:
            outcome = error
        finally:
            self._put(outcome)

    def _next_work(self) -> tuple[int, partial[VideoInfo]] | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _decoded(self, worker: IsolatedWorker, position: int, work: partial[VideoInfo]) -> DecodingEvent:
        received = self._receiving()

        def take(frames: Frames | None = None) -> None:
            if frames is not None:
                received.add(frames)
                self._put(DecodedChunk(position, frames))

        try:
            info = worker.call(work, received.answers(), take)
            return DecodedVideo(position, received.finish(info), self._digests(position))
        except (UnreadableVideo, InvalidInput, OSError) as error:
            reason = why_not_opened(error) if isinstance(error, OSError) else str(error)
            return FailedVideo(position, reason, failure_kind(error))

    def _digests(self, position: int) -> ContentDigests | None:
        """The digests of a file, made here, since a decoder that was taken over could name those of another file."""
        if self._digested is None:
            return None
        return content_digests(self._digested[position], self._check_running)

    def _check_running(self, _: int) -> None:
        if self._stopping:
            raise UnreadableVideo("ended before it was read completely")

    def _put(self, event: DecodingEvent | Exception | None) -> None:
        while not self._stopping:
            try:
                return self._events.put(event, timeout=STOP_CHECK_SECONDS)
            except Full:
                continue
