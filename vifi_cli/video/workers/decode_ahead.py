"""Decodes many videos in processes of their own, ahead of whoever takes the frames.

    decode_ahead  <- queue of a few events <-  thread of a DecodingPool  <- a connection each <-  worker processes

Queue and connections are bounded and each waits for the one before it, so memory stays flat. A process that
hangs or crashes in native code is replaced; only the video it was working on is lost.
"""

import os
import threading
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from queue import Full, Queue

from vifi_cli.errors import UnreadableVideo, VifiError
from vifi_cli.video.decode.decoder import decode_frames
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.decode.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.workers.messages import Done, Failed, Message, Value
from vifi_cli.video.workers.worker_process import Reporter, WorkerLost, WorkerProcess

EVENTS_AHEAD = 8
STOP_CHECK_SECONDS = 0.1  # how soon a full queue is left when everything is to stop


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """Frames of one video, which follow those of its earlier chunks; `position` is its place in the list given."""

    position: int
    frames: Frames


@dataclass(frozen=True, slots=True)
class DecodedVideo:
    """A video is done: all its frames have been given."""

    position: int
    info: VideoInfo


@dataclass(frozen=True, slots=True)
class FailedVideo:
    """A video cannot be decoded, and why; drop the frames given before."""

    position: int
    reason: str


DecodingEvent = DecodedChunk | DecodedVideo | FailedVideo
Outcome = VifiError | RuntimeError | None


def decode_ahead(
    paths: Sequence[Path],
    sampling: FrameSampling,
    geometry: FrameGeometry,
    *,
    workers: int = 1,
    threads: int = 2,
    stall_seconds: float = 60.0,
) -> Generator[DecodingEvent, None, None]:
    """Yields what becomes of each video: its chunks in order and `DecodedVideo`, or `FailedVideo` at any point.

    Events of several videos come mixed. Closing the generator ends all processes at once.

    Args:
        paths: the videos.
        sampling: how densely to take frames.
        geometry: the picture that each frame becomes.
        workers: how many videos to decode at the same time.
        threads: for each decoder; 0 leaves the number to FFmpeg.
        stall_seconds: a decoder silent for so long counts as hanging.

    Raises:
        VifiError: a decoding process does not start.
    """
    works = [partial(_decode, path, sampling, geometry, threads) for path in paths]
    pool = DecodingPool(works, workers, stall_seconds)
    thread = threading.Thread(target=pool.run, name="decode-ahead", daemon=True)
    thread.start()
    try:
        while isinstance(event := pool.events.get(), DecodingEvent):
            yield event
        if event is not None:
            raise event
    finally:
        pool.stop()
        thread.join()


def _decode(
    path: Path, sampling: FrameSampling, geometry: FrameGeometry, threads: int, reporter: Reporter
) -> VideoInfo:
    """The work of one process on one video: sends its chunks."""
    for decoded in decode_frames(path, sampling, geometry, threads=threads, alive=reporter.report):
        if isinstance(decoded, VideoInfo):
            return decoded
        reporter.send(Value(decoded))
    raise UnreadableVideo("decoding ended early")


class DecodingPool:
    """Keeps worker processes busy: gives them videos, passes on what they send, replaces those that are lost.

    Attributes:
        events: what they send; last None, or why decoding stopped.
    """

    def __init__(self, works: Sequence[partial[VideoInfo]], most_workers: int, stall_seconds: float) -> None:
        self.events: Queue[DecodingEvent | Outcome] = Queue(EVENTS_AHEAD)
        self._waiting = deque(enumerate(works))
        self._most_workers = most_workers
        self._stall_seconds = stall_seconds
        self._idle: list[WorkerProcess] = []
        self._busy: dict[WorkerProcess, int] = {}  # with the position of its video
        self._stopping = False
        self._stop_read, self._stop_write = os.pipe()

    def run(self) -> None:
        """Works until all videos are done, or `stop` is called; leaves no process behind. Needs its own thread."""
        outcome: Outcome = RuntimeError("decoding broke off; its thread's traceback says why")
        try:
            while (self._waiting or self._busy) and not self._stopping:
                self._give_out_work()
                self._listen()
            outcome = None
        except VifiError as error:
            outcome = error
        finally:
            for worker in (*self._idle, *self._busy):
                worker.end()
            self._put(outcome)
            os.close(self._stop_read)

    def stop(self) -> None:
        """Makes `run` return soon, from another thread."""
        self._stopping = True
        os.close(self._stop_write)

    def _give_out_work(self) -> None:
        while self._waiting and len(self._busy) < self._most_workers:
            worker = self._idle.pop() if self._idle else WorkerProcess(self._stall_seconds)
            self._busy[worker], work = self._waiting.popleft()
            worker.begin(work)

    def _listen(self) -> None:
        """Waits until a worker has something to say or has been silent too long, and handles these."""
        timeout = min(worker.seconds_of_patience() for worker in self._busy)
        ready = wait([self._stop_read, *(worker.connection for worker in self._busy)], timeout)
        for worker, position in list(self._busy.items()):
            if worker.connection in ready or worker.seconds_of_patience() <= 0:
                self._receive(worker, position)

    def _receive(self, worker: WorkerProcess, position: int) -> None:
        try:
            event = _event(position, worker.receive())
            if isinstance(event, DecodedVideo | FailedVideo):
                del self._busy[worker]
                self._idle.append(worker)
                self._give_out_work()
        except WorkerLost as lost:
            del self._busy[worker]
            worker.end()
            event = FailedVideo(position, str(lost))
        if event is not None:
            self._put(event)

    def _put(self, event: DecodingEvent | Outcome) -> None:
        while not self._stopping:
            try:
                return self.events.put(event, timeout=STOP_CHECK_SECONDS)
            except Full:
                continue


def _event(position: int, message: Message) -> DecodingEvent | None:
    """What a message means for a video; None for a sign of life."""
    if isinstance(message, Value):
        return DecodedChunk(position, message.value)
    if isinstance(message, Done):
        return DecodedVideo(position, message.result)
    return FailedVideo(position, str(message.error())) if isinstance(message, Failed) else None
