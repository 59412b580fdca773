"""Times of decoded frames on a clock that never runs backwards; made up where the file has none."""

import math

from av.video.frame import VideoFrame

from vifi_cli.video.decode.container import OpenVideo

SET_BACK_SECONDS = 0.5  # a clock set back by more starts a new recording; by less it trembles


class SteadyClock:
    """Reads the times of frames as an open video yields them.

    Attributes:
        end_seconds: where the latest frame ends.
        shift_seconds: added to the file's own times, because its clock was set back on the way.
    """

    def __init__(self, video: OpenVideo) -> None:
        self.end_seconds = self.shift_seconds = 0.0
        self._video = video
        self._latest = -math.inf

    def read(self, frame: VideoFrame) -> float | None:
        """When a frame comes on screen, in seconds; None if it is not later than the frames before."""
        seconds = self._seconds(frame)
        if seconds <= self._latest:
            return None
        self._latest = seconds
        self.end_seconds = seconds + self._length_seconds(frame)
        return seconds

    def _seconds(self, frame: VideoFrame) -> float:
        ticks = ticks_of(frame)
        if ticks is None:
            return max(self.end_seconds, 0.0)
        seconds = self._video.seconds(ticks) + self.shift_seconds
        if seconds < self._latest - SET_BACK_SECONDS:
            self.shift_seconds += self.end_seconds - seconds
            seconds = self.end_seconds
        return seconds

    def _length_seconds(self, frame: VideoFrame) -> float:
        duration = frame.duration
        return duration * self._video.tick_seconds if duration else self._video.frame_seconds


def ticks_of(frame: VideoFrame) -> int | None:
    """A frame's time in its stream's unit, if the file has one."""
    return frame.pts if frame.pts is not None else frame.dts
