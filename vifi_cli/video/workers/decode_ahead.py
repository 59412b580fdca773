"""Decodes many videos in processes of their own, ahead of whoever takes the frames.

    decode_ahead  <- queue of a few events <-  supervising thread  <- a connection each <-  decoding processes

Queue and connections are bounded and each waits for the one before it, so memory stays flat. A process that
hangs or crashes in native code is replaced; only the video it was at is lost.
"""

import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from queue import Queue

from vifi_cli.video.decode.frames import FrameGeometry
from vifi_cli.video.decode.sampling import FrameSampling
from vifi_cli.video.workers import decoding_process
from vifi_cli.video.workers.decoding_process import Job
from vifi_cli.video.workers.decoding_worker import DecodingWorker
from vifi_cli.video.workers.events import DecodedChunk, DecodedVideo, DecodingEvent, FailedVideo
from vifi_cli.video.workers.supervisor import Supervisor, VideoWorker

__all__ = ["DecodedChunk", "DecodedVideo", "DecodingEvent", "FailedVideo", "decode_ahead"]

EVENTS_AHEAD = 8


def decode_ahead(
    paths: Sequence[Path],
    sampling: FrameSampling,
    geometry: FrameGeometry,
    *,
    workers: int = 1,
    threads: int = 2,
    stall_seconds: float = 60.0,
) -> Generator[DecodingEvent, None, None]:
    """Yield what becomes of each video: its chunks in order and `DecodedVideo`, or `FailedVideo` at any point.

    Events of several videos come mixed. Closing the generator ends all processes at once.

    Args:
        paths: the videos.
        sampling: how densely frames are taken.
        geometry: the picture that each frame becomes.
        workers: how many videos are decoded at the same time.
        threads: for each decoder; 0 leaves the number to FFmpeg.
        stall_seconds: a decoder that gives no sign of life for so long is taken to hang.

    Raises:
        VifiError: a decoding process does not start at all.
    """

    def start_worker() -> VideoWorker:
        return DecodingWorker(decoding_process.run, (sampling, geometry, threads), stall_seconds)

    events: Queue[DecodingEvent | BaseException | None] = Queue(EVENTS_AHEAD)
    jobs = [Job(position, path) for position, path in enumerate(paths)]
    supervisor = Supervisor(jobs, workers, start_worker, events)
    thread = threading.Thread(target=supervisor.run, name="decode-ahead", daemon=True)
    thread.start()
    try:
        while (event := events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        supervisor.stop()
        thread.join()
