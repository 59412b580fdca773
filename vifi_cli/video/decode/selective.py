"""Decodes no more of a video than its chosen frames need.

Reading packets is cheap; in decoding order, they wait undecoded until the chooser has decided on their slot. Then
decoding starts at the last keyframe before the chosen frame, and ends with it:

    packets    K p p p p p K p p p p p K p p p p p        K keyframe
    chosen           ^       ^                 ^
    decoded    K p p p     K p         K p p p p

This uses the keyframes as they come and not the container's index, which may be wrong. Where all frames are needed it
is sequential decoding. The frames are the same as from decoding everything. If the file is damaged or its keyframes are
not real, it raises `FramesMissing`.
"""

from __future__ import annotations  # av.Packet is generic for type checkers only

import math
from collections import deque
from collections.abc import Callable, Iterator

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vifi_cli.video.container.container import OpenVideo
from vifi_cli.video.decode.frame_sampling import FrameChooser

WORTH_SKIPPING = 4  # packets; flushing the decoder to save fewer gains nothing
WAITING_BYTES = 256 * 2**20  # of packets that wait for a slot's end; only slots of minutes come near

TimedFrame = tuple[float, VideoFrame]


class FramesMissing(Exception):
    """Decoding in parts did not yield a chosen frame; the caller has to decode the full video."""


class SelectiveDecoding:
    """One pass over an open video that decodes the chosen frames, and the frames these refer to."""

    def __init__(self, video: OpenVideo, chooser: FrameChooser, alive: Callable[[], None]) -> None:
        self.packets = self.decoded = self.decoded_keyframes = 0
        self.end_seconds = 0.0  # of the last frame
        self._video = video
        self._context = video.stream.codec_context
        self._chooser = chooser
        self._alive = alive
        self._first_keyframe: float | None = None
        self._complete_until = self._latest_chosen = -math.inf
        self._waiting: list[tuple[float, Packet[VideoStream]]] = []  # read, not decoded
        self._waiting_bytes = 0
        self._wanted: deque[float] = deque()  # chosen, not decoded, ascending
        self._spare: dict[float, VideoFrame] = {}  # decoded, not chosen, later than all chosen

    def frames(self) -> Iterator[TimedFrame]:
        """The chosen frames with their seconds, in order; raises FramesMissing if one is missing."""
        if self._video.order.is_all_known or self._video.has_palette:
            raise FramesMissing
        for packet in self._video.packets():
            self._alive()
            for seconds in self._choose(packet):
                yield from self._reach(seconds)
        for seconds in self._chooser.finish(self.end_seconds):
            yield from self._reach(seconds)
        yield from self._drain()
        if self._wanted or (self.packets and self._first_keyframe is None):
            raise FramesMissing

    @property
    def way(self) -> str:
        """How the frames were reached: `keyframes` alone, `selective`, or `sequential` if all was decoded."""
        if self.decoded == self.decoded_keyframes < self.packets:
            return "keyframes"
        return "selective" if self.decoded < self.packets else "sequential"

    def _choose(self, packet: Packet[VideoStream]) -> list[float]:
        """Adds a packet to those waiting, and returns the times of the frames chosen now."""
        if packet.pts is None:
            raise FramesMissing
        seconds = self._video.seconds(packet.pts)
        self.packets += 1
        self._waiting.append((seconds, packet))
        self._waiting_bytes += packet.size
        if self._waiting_bytes > WAITING_BYTES:
            raise FramesMissing
        if packet.is_keyframe and self._first_keyframe is None:
            self._first_keyframe = seconds
        if packet.dts is not None:
            self._advance(self._video.seconds(packet.dts))
        if packet.is_discard or self._first_keyframe is None or seconds < self._first_keyframe:
            return []  # an edit list hides it, or the file begins after the frames it refers to
        self.end_seconds = max(self.end_seconds, seconds + self._video.length_seconds(packet))
        return self._chooser.see(seconds, packet.is_keyframe, self._complete_until)

    def _advance(self, decode_seconds: float) -> None:
        if decode_seconds < self._complete_until - self._video.frame_seconds:
            raise FramesMissing  # the clock was set back, as in recordings joined end to end
        self._complete_until = max(self._complete_until, decode_seconds)

    def _reach(self, seconds: float) -> Iterator[TimedFrame]:
        """Decodes up to the chosen frame; it may come out only when more is decoded, or at the end."""
        self._latest_chosen = seconds
        if seconds in self._spare and self._wanted:
            raise FramesMissing
        if seconds in self._spare:
            yield seconds, self._spare[seconds]
        else:
            self._wanted.append(seconds)
            yield from self._decode_waiting_up_to(seconds)
        self._spare = {time: frame for time, frame in self._spare.items() if time > seconds}

    def _decode_waiting_up_to(self, seconds: float) -> Iterator[TimedFrame]:
        times = [time for time, _ in self._waiting]
        if seconds not in times:
            return  # already in the decoder, because an earlier frame needed it
        last = times.index(seconds)
        keyframes = [
            position
            for position, (time, packet) in enumerate(self._waiting[: last + 1])
            if packet.is_keyframe and time <= seconds
        ]
        first = keyframes[-1] if keyframes else 0
        if first >= WORTH_SKIPPING:
            yield from self._drain()
        else:
            first = 0
        for time, packet in self._waiting[first : last + 1]:
            yield from self._decode(packet, needed=time >= seconds)
        del self._waiting[: last + 1]
        self._waiting_bytes = sum(packet.size for _, packet in self._waiting)

    def _decode(self, packet: Packet[VideoStream], *, needed: bool) -> Iterator[TimedFrame]:
        """Decodes a packet; a frame that is not needed is skipped if no other refers to it."""
        self._context.skip_frame = "DEFAULT" if needed else "NONREF"
        self.decoded += 1
        self.decoded_keyframes += packet.is_keyframe
        self._alive()
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            self._video.skip_damaged(error)
            return
        yield from self._sort_out(frames)

    def _drain(self) -> Iterator[TimedFrame]:
        """Takes the wanted frames that are still in the decoder, and prepares it for a new start."""
        if self._wanted:
            self._alive()
            try:
                yield from self._sort_out(self._context.decode(None))
            except av.FFmpegError as error:
                self._video.skip_damaged(error)
        self._context.flush_buffers()

    def _sort_out(self, frames: list[VideoFrame]) -> Iterator[TimedFrame]:
        for frame in frames:
            if frame.pts is None:
                raise FramesMissing
            seconds = self._video.seconds(frame.pts)
            if self._wanted and seconds > self._wanted[0]:
                raise FramesMissing
            if self._wanted and seconds == self._wanted[0]:
                yield self._wanted.popleft(), frame
            elif seconds > self._latest_chosen:
                self._spare[seconds] = frame
