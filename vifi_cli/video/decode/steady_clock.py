"""Times of decoded frames, made up where the file has none."""

import math

from av.video.frame import VideoFrame

from vifi_cli.video.container.container import OpenVideo


class SteadyClock:
    """Times of an open video's frames on a clock that never runs backwards."""

    def __init__(self, video: OpenVideo) -> None:
        self.end_seconds = 0.0  # of the latest frame
        self._video = video
        self._latest = -math.inf

    def read(self, frame: VideoFrame) -> float | None:
        """When a frame comes on screen, in seconds; None if it is not later than the frames before."""
        seconds = self._seconds(frame)
        if seconds <= self._latest:
            return None
        self._latest = seconds
        length = frame.duration * self._video.tick_seconds if frame.duration else self._video.frame_seconds
        self.end_seconds = seconds + length
        return seconds

    def _seconds(self, frame: VideoFrame) -> float:
        ticks = ticks_of(frame)
        if ticks is None:
            return max(self.end_seconds, 0.0)
        return self._video.seconds(ticks)


def ticks_of(frame: VideoFrame) -> int | None:
    """A frame's time in its stream's unit; None if the file has none."""
    return frame.pts if frame.pts is not None else frame.dts
