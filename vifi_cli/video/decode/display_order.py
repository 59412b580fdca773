"""Times of frames in files that only tell when frames are decoded, such as AVI with B-frames.

The frames come out of the decoder in the order in which they are shown, so the first one shown gets the first time:

    decoded     0    1    2    3    4    5        the file's times
    frames      I    P3   B1   B2   P5   B4       their numbers, as shown
    shown       I    B1   B2   P3   B4   P5
                0    1    2    3    4    5
"""

from __future__ import annotations  # av.Packet is generic for type checkers only

from typing import Any

from av.packet import Packet
from av.video.frame import VideoFrame


class DisplayOrder:
    """Gives frames their times by the order in which they come out of the decoder."""

    def __init__(self, first_ticks: int, delay_ticks: int, *, is_from_start: bool) -> None:
        """After a seek, the order is certain from the second keyframe on, and earlier frames are left out."""
        self._decoded: list[int] = []  # times of the packets, ascending
        self._keyframes: dict[int, int] = {}  # from a keyframe's time to its place among the packets
        self._shown = 0  # place of the next frame
        self._later: dict[
            int, int
        ] = {}  # how many frames after a keyframe, in decoding order, came out before it
        self._is_certain = is_from_start
        self._first_ticks = first_ticks
        self._delay_ticks = delay_ticks

    def feed(self, packet: Packet[Any]) -> None:
        """Notes a packet before it is decoded; its frame will carry the time at which it was decoded."""
        ticks = packet.dts if packet.dts is not None else packet.pts
        packet.pts = ticks
        if ticks is None:
            return
        if packet.is_keyframe:
            self._keyframes[ticks] = len(self._decoded)
        self._decoded.append(ticks)

    def timed(self, frames: list[VideoFrame]) -> list[VideoFrame]:
        """The frames with their times."""
        return [frame for frame in frames if self._give_time(frame)]

    def _give_time(self, frame: VideoFrame) -> bool:
        mark = frame.pts
        if mark is not None and mark in self._keyframes:
            self._reach_keyframe(mark)
        for ticks in self._keyframes:
            if mark is not None and mark > ticks:
                self._later[ticks] = self._later.get(ticks, 0) + 1
        is_known = self._shown < len(self._decoded)
        frame.pts = self._decoded[self._shown] + self._delay_ticks if is_known else None
        self._shown += 1
        return self._is_certain

    def _reach_keyframe(self, mark: int) -> None:
        """A keyframe comes after all that was decoded before it, and after the frames that overtook it."""
        place = self._keyframes.pop(mark)
        is_first = self._shown == 0
        self._is_certain |= mark == self._first_ticks or not is_first
        self._shown = place + self._later.pop(mark, 0)
