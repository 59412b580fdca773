"""The process that decodes for `decode_ahead`: it takes videos from a connection and sends back what it decodes.

Native code that hangs or crashes takes down this process only. Sending waits until the parent takes what is sent,
which bounds how far decoding runs ahead. The process ends when its parent does, however that ends.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.decode.decoder import decode_frames
from vifi_cli.video.decode.frames import FrameGeometry, Frames
from vifi_cli.video.decode.sampling import FrameSampling
from vifi_cli.video.workers.events import DecodedChunk, DecodedVideo, DecodingEvent, FailedVideo

HEARTBEAT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """A video to decode, and its place in the caller's list."""

    position: int
    path: Path


@dataclass(frozen=True, slots=True)
class Alive:
    """The process has started, or has come back from native code."""


def run(connection: Connection, sampling: FrameSampling, geometry: FrameGeometry, threads: int) -> None:
    """Decode the videos that come through the connection, one after another, until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=end_with_parent, daemon=True).start()
    connection.send(Alive())
    while True:
        job: Job = connection.recv()
        for event in _decode(job, sampling, geometry, threads, _heartbeat(connection)):
            connection.send(event)


def _decode(
    job: Job, sampling: FrameSampling, geometry: FrameGeometry, threads: int, alive: Callable[[], None]
) -> Iterator[DecodingEvent]:
    try:
        for decoded in decode_frames(job.path, sampling, geometry, threads=threads, alive=alive):
            if isinstance(decoded, Frames):
                yield DecodedChunk(job.position, decoded)
            else:
                yield DecodedVideo(job.position, decoded)
    except UnreadableVideo as error:
        yield FailedVideo(job.position, str(error))
    except Exception as error:  # noqa: BLE001  one file must never cost the others, whatever is wrong with it
        yield FailedVideo(job.position, f"decoding failed: {type(error).__name__}: {error}")


def _heartbeat(connection: Connection) -> Callable[[], None]:
    """A function to call between native calls, which tells the parent every so often that it was called."""
    last = time.monotonic()

    def alive() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > HEARTBEAT_SECONDS:
            last = now
            connection.send(Alive())

    return alive


def end_with_parent() -> None:
    """End this process at once when the parent is gone, even while native code is running."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(0)
