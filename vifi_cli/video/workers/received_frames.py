"""Checks what a decoder sends of one video: a process that was taken over may send anything."""

import math
from dataclasses import dataclass, replace

import numpy as np

from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.decode.decoder import CHUNK_FRAMES
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.pictures.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.workers.isolated_worker import SENT_NONSENSE, WorkerLost
from vifi_cli.video.workers.messages import LONGEST_REASON, Answers
from vifi_cli.wording import one_line

LONGEST_SECONDS = 31 * 24 * 3600.0
LARGEST_SIDE = 65_536
LONGEST_NAME = 100
MOST_FRAMES = 3_000_000  # a month at one a second, 3 GB of embeddings
MOST_FRAMES_A_SECOND = 1000  # of a video whose header declares too short a time, every frame is chosen


@dataclass(slots=True)
class ReceivedFrames:
    """The frames of one video so far: as asked for, in order of time, and not too many."""

    sampling: FrameSampling
    geometry: FrameGeometry
    count: int = 0
    last_seconds: float = -math.inf

    def answers(self) -> Answers[VideoInfo]:
        """What the decoder may send."""
        frame_bytes = self.geometry.height * self.geometry.width * 3 + np.float64().itemsize
        return Answers(VideoInfo, values=Frames, most_array_bytes=CHUNK_FRAMES * frame_bytes)

    def add(self, frames: Frames) -> None:
        """Notes further frames; raises WorkerLost if they cannot be those of the video."""
        shape = (len(frames), self.geometry.height, self.geometry.width, 3)
        if not 1 <= len(frames) <= CHUNK_FRAMES or frames.pixels.shape != shape:
            raise WorkerLost(SENT_NONSENSE)
        times = np.concatenate([[self.last_seconds], frames.seconds])
        if not np.isfinite(frames.seconds).all() or not (np.diff(times) > 0).all():
            raise WorkerLost(SENT_NONSENSE)
        self.count += len(frames)
        self.last_seconds = float(times[-1])
        most = self.sampling.minimum_frames + MOST_FRAMES_A_SECOND * max(self.last_seconds, 1.0)
        if abs(self.last_seconds) > LONGEST_SECONDS or self.count > min(most, MOST_FRAMES):
            raise WorkerLost(SENT_NONSENSE)

    def finish(self, info: VideoInfo) -> VideoInfo:
        """The facts about the video, its texts in one line each; raises WorkerLost if they cannot be true."""
        sizes = (info.width, info.height)
        texts = (info.codec, info.decoding)
        if (
            not self.count
            or not 0 <= info.duration_seconds <= 2 * LONGEST_SECONDS
            or not all(1 <= size <= LARGEST_SIDE for size in sizes)
            or any(len(text) > LONGEST_NAME for text in texts)
            or not _is_possible(info.clock)
        ):
            raise WorkerLost(SENT_NONSENSE)
        return replace(
            info,
            codec=one_line(info.codec),
            decoding=one_line(info.decoding),
            warning=_shortened(info.warning),
            clock=replace(info.clock, warning=_shortened(info.clock.warning)),
        )


def _is_possible(clock: FileClock) -> bool:
    """Whether a clock can be counted by."""
    units = (clock.tick_seconds, 1.0 if clock.frame_seconds is None else clock.frame_seconds)
    return min(units) > 0 and 0 <= (clock.duration_seconds or 0.0) <= 2 * LONGEST_SECONDS


def _shortened(text: str | None) -> str | None:
    return text and one_line(text[:LONGEST_REASON])
