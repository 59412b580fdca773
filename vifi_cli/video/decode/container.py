"""Opens a video file, reads its packets and frames with their times, and says why a file cannot be read."""

from __future__ import annotations  # av.Packet is generic for type checkers only

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.decode.opening import TOO_LARGE, limit_frames, open_container
from vifi_cli.video.decode.source_file import SourceFile, check_memory, open_source

MICROSECOND = 1e-6  # the unit of a container's own duration
USUAL_FRAME_RATE = 25.0
SAME_INSTANT_SECONDS = 0.001  # vifi shows milliseconds, and some containers store no more
SET_BACK_SECONDS = 0.5  # a clock set back by more starts a new recording; by less it trembles


def unwatched() -> None:
    """The sign of life where nobody waits for one."""


@dataclass(slots=True)
class OpenVideo:
    """A file opened for reading, and the first video stream in it that is not cover art."""

    container: InputContainer
    stream: VideoStream
    source: SourceFile
    encrypted: bool = False  # whether reading ended at encrypted packets
    packets_read: int = 0  # by `packets`, so far
    packets_damaged: int = 0  # refused by the decoder
    may_be_too_large: bool = False  # whether it refused one as it does where frames are too large
    tick_seconds: float = field(init=False)  # the unit of the stream's times
    frame_seconds: float = field(init=False)  # the usual time from one frame to the next
    _origin: int | None = None

    def __post_init__(self) -> None:
        self.tick_seconds = float(self.stream.time_base or MICROSECOND)
        rate = self.stream.average_rate or self.stream.guessed_rate or USUAL_FRAME_RATE
        self.frame_seconds = 1.0 / float(rate)

    @property
    def declared_seconds(self) -> float | None:
        """The duration that the header declares, which may be missing or wrong."""
        if self.stream.duration:
            return float(self.stream.duration * self.tick_seconds)
        return self.container.duration * MICROSECOND if self.container.duration else None

    def seconds(self, ticks: int) -> float:
        """One of the stream's times, in seconds from its start."""
        if self._origin is None:
            self._origin = ticks if self.stream.start_time is None else self.stream.start_time
        return (ticks - self._origin) * self.tick_seconds

    def file_seconds(self, seconds: float) -> float:
        """Converts seconds from the video's start to the file's own clock, which its other streams share."""
        return (self._origin or 0) * self.tick_seconds + seconds

    def length_seconds(self, packet: Packet[VideoStream]) -> float:
        """How long a packet's frame is on screen."""
        return packet.duration * self.tick_seconds if packet.duration else self.frame_seconds

    def seek(self, seconds: float) -> bool:
        """Goes to the last keyframe before a time; False if the file has none there, and reading starts at 0."""
        if seconds <= 0 or self.stream.start_time is None:
            return False
        ticks = self.stream.start_time + math.floor((seconds + SAME_INSTANT_SECONDS) / self.tick_seconds)
        try:
            self.container.seek(ticks, stream=self.stream)
        except av.FFmpegError:
            self.source.check()
            return False
        return True

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """The stream's packets in decoding order, until the file is cut off, broken or encrypted.

        Raises:
            VideoOutOfReach: the disk failed or the file became shorter, so that packets are missing.
        """
        try:
            for packet in self.container.demux(self.stream):
                if packet.has_sidedata("encryption_info"):
                    self.encrypted = True
                    return
                if packet.size:
                    self.packets_read += 1
                    yield packet
        except av.FFmpegError as error:
            check_memory(error)
        self.source.check()

    def skip_damaged(self, error: av.FFmpegError) -> None:
        """Counts a packet that the decoder refuses; raises VideoOutOfReach if it only lacks memory."""
        check_memory(error)
        self.packets_damaged += 1
        self.may_be_too_large |= isinstance(error, av.ArgumentError)

    def frames(self, alive: Callable[[], None]) -> Iterator[VideoFrame]:
        """The frames of the remaining packets in presentation order, without damaged ones; calls `alive` often."""
        for packet in self.packets():
            alive()
            try:
                yield from packet.decode()
            except av.FFmpegError as error:
                self.skip_damaged(error)
        try:
            yield from self.stream.codec_context.decode(None)
        except av.FFmpegError as error:
            self.skip_damaged(error)

    def why_no_frame(self) -> str:
        """Why a file yielded no frame, once it has been read to its end."""
        if self.encrypted:
            return "encrypted"
        if self.may_be_too_large or (self.packets_read and not self.stream.codec_context.width):
            return f"damaged, or its frames are {TOO_LARGE}: none of its {self.packets_read} packets can be decoded"
        if self.packets_read:
            return f"damaged: none of its {self.packets_read} packets can be decoded"
        if self.stream.frames:
            return f"cut off: none of its {self.stream.frames} frames is in the file"
        return "no frame in its video stream"


class SteadyClock:
    """Times of an open video's frames on a clock that never runs backwards; made up where the file has none."""

    def __init__(self, video: OpenVideo) -> None:
        self.end_seconds = 0.0  # of the latest frame
        self.shift_seconds = 0.0  # added to the file's own times after its clock was set back
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
        seconds = self._video.seconds(ticks) + self.shift_seconds
        if seconds < self._latest - SET_BACK_SECONDS:
            self.shift_seconds += self.end_seconds - seconds
            seconds = self.end_seconds
        return seconds


def ticks_of(frame: VideoFrame) -> int | None:
    """A frame's time in its stream's unit; None if the file has none."""
    return frame.pts if frame.pts is not None else frame.dts


@contextmanager
def open_video(path: Path) -> Iterator[OpenVideo]:
    """Opens a file.

    Raises:
        UnreadableVideo: FFmpeg can read no video in it; the text is the reason.
        VideoOutOfReach: the file cannot be read now.
    """
    with open_source(path) as source, open_container(source, path) as container:
        yield OpenVideo(container, _video_stream(container), source)


def _video_stream(container: InputContainer) -> VideoStream:
    pictures = [stream for stream in container.streams.video if stream.disposition & Disposition.attached_pic]
    moving = [stream for stream in container.streams.video if stream not in pictures]
    if not moving:
        raise UnreadableVideo("no video stream, only cover art" if pictures else "no video stream")
    for stream in moving:
        if stream.codec_context is not None:
            limit_frames(stream.codec_context)
            for other in container.streams:
                other.discard = Discard.default if other is stream else Discard.all
            return stream
    raise UnreadableVideo("no decoder for its video codec")


def measured_seconds(path: Path, alive: Callable[[], None]) -> float:
    """The duration of the video stream by its packets, which reads the file without decoding it."""
    with open_video(path) as video:
        first, end, count = math.inf, 0.0, 0
        for packet in video.packets():
            alive()
            count += 1
            if packet.pts is not None:
                start = video.seconds(packet.pts)
                first, end = min(first, start), max(end, start + video.length_seconds(packet))
        return end - first if end > first else count * video.frame_seconds
