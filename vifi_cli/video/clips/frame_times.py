"""The times of a file's frames by their numbers, for annotations that count frames."""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.video.container.clock_reading import clock_of
from vifi_cli.video.container.container import open_video
from vifi_cli.video.decode.packet_list import list_packets


@dataclass(frozen=True, slots=True, eq=False)
class FrameTimes:
    """When the frames of a file are shown."""

    seconds: npt.NDArray[np.float64]  # (N,), ascending, on the file's clock; empty if only the rate is known
    frame_seconds: float  # the usual time from one frame to the next

    def of(self, number: int) -> float:
        """When a frame begins, from number 0; infinite after the last."""
        if not len(self.seconds):
            return number * self.frame_seconds
        return float(self.seconds[number]) if number < len(self.seconds) else math.inf


@lru_cache(64)
def frame_times(path: Path) -> FrameTimes:
    """Reads the times from the packets, without decoding; where these hide frames, counts at the file's rate.

    Raises:
        UnreadableVideo: the file cannot be read.
    """
    with open_video(path, clock_of(path)) as video:
        packets = list_packets(video)
        seconds = np.zeros(0) if packets is None else packets.seconds(video)
        return FrameTimes(seconds, video.frame_seconds)
