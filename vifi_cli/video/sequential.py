"""Decoding all of a video, for files whose times or keyframes are missing, wrong or damaged."""

import math
from collections.abc import Callable, Iterator

import av
from av.video.frame import VideoFrame

from vifi_cli.video.container import OpenVideo
from vifi_cli.video.sampling import FrameChooser

SET_BACK_SECONDS = 0.5  # a clock that falls back by more starts a new recording, by less it trembles


class SequentialDecoding:
    """One pass over an open video that decodes every frame and keeps the chosen ones.

    Attributes:
        packets: how many were read.
        damaged: how many the decoder refused.
        end_seconds: where the last frame ends.
    """

    way = "sequential"

    def __init__(self, video: OpenVideo, chooser: FrameChooser, alive: Callable[[], None]) -> None:
        self.packets = self.damaged = 0
        self.end_seconds = 0.0
        self._video = video
        self._chooser = chooser
        self._alive = alive
        self._latest = -math.inf
        self._shift = 0.0

    def frames(self) -> Iterator[tuple[float, VideoFrame]]:
        """The chosen frames with their seconds, in order."""
        held: dict[float, VideoFrame] = {}
        for frame in self._decoded():
            seconds = self._seconds(frame)
            if seconds <= self._latest:
                continue
            self._latest = seconds
            self.end_seconds = seconds + self._length_seconds(frame)
            held[seconds] = frame
            for chosen in self._chooser.see(seconds, frame.key_frame, seconds):
                yield chosen, held[chosen]
            kept = self._chooser.keep_candidates()
            held = {time: held[time] for time in kept if time in held}
        for chosen in self._chooser.finish(self.end_seconds):
            yield chosen, held[chosen]

    def _decoded(self) -> Iterator[VideoFrame]:
        for packet in self._video.packets():
            self.packets += 1
            self._alive()
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self.damaged += 1
        try:
            yield from self._video.stream.codec_context.decode(None)
        except av.FFmpegError:
            self.damaged += 1

    def _seconds(self, frame: VideoFrame) -> float:
        """The frame's time on a clock that never falls back for long, made up where the file has none."""
        ticks = frame.pts if frame.pts is not None else frame.dts
        if ticks is None:
            return max(self.end_seconds, 0.0)
        seconds = self._video.seconds(ticks) + self._shift
        if seconds < self._latest - SET_BACK_SECONDS:
            self._shift += self.end_seconds - seconds
            seconds = self.end_seconds
        return seconds

    def _length_seconds(self, frame: VideoFrame) -> float:
        duration = frame.duration
        return duration * self._video.tick_seconds if duration else self._video.frame_seconds
