"""Times of frames in files that only say when frames are decoded, such as AVI with B-frames.

The frames come out of the decoder in the order in which they are shown, so the first one shown gets the first time:

    decoded     0    1    2    3    4    5        the file's times
    frames      I    P3   B1   B2   P5   B4       their numbers, as shown
    shown       I    B1   B2   P3   B4   P5
                0    1    2    3    4    5
"""

from __future__ import annotations  # av.Packet is generic for type checkers only

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

from av.packet import Packet
from av.video.frame import VideoFrame

MOST_WAITING = 64  # packets without a frame before the first of them is known to have none
CODECS_WITH_ORDER = {"mpeg4", "mpeg1video", "mpeg2video"}  # their frames say enough for FFmpeg to find it out


@dataclass(frozen=True, slots=True)
class FrameOrder:
    """What a file says about when its frames are shown."""

    is_all_known: bool = False  # then frames get their times by `DisplayOrder`
    delay_ticks: int = 0  # from the first time of decoding to the first time of showing
    late_ticks: int = 0  # by which FFmpeg takes all frames to be shown too late


AS_THE_FILE_SAYS = FrameOrder()


def order_in_avi(packets: Sequence[Packet[Any]], codec: str, start_ticks: int) -> FrameOrder:
    """Of an AVI by its first packets: FFmpeg knows when frames are shown, but one frame late, or shifts all alike."""
    shown = [packet.pts for packet in packets if packet.pts is not None]
    decoded = [packet.dts for packet in packets if packet.dts is not None]
    is_even = {after - before for before, after in pairwise(decoded)} == {1}
    is_complete = len(shown) == len(decoded) == len(packets)
    if codec in CODECS_WITH_ORDER and is_complete and is_even and shown != sorted(shown):
        return FrameOrder(late_ticks=min(shown) - start_ticks)
    return FrameOrder(is_all_known=True)


def order_in_matroska(packets: Sequence[Packet[Any]], start_ticks: int) -> FrameOrder:
    """Of a Matroska file that holds its video as AVI does, by its first packets; see `order_in_avi`."""
    shown = [packet.pts for packet in packets if packet.pts is not None]
    decoded = [packet.dts for packet in packets if packet.dts is not None]
    if decoded and shown == sorted(shown):
        return FrameOrder(is_all_known=True, delay_ticks=start_ticks - decoded[0])
    return AS_THE_FILE_SAYS


Decode = Callable[["Packet[Any] | None"], list[VideoFrame]]
"""Decodes a packet; None lets the decoder return what it has held back."""


class DisplayOrder:
    """Gives frames their times by the order in which they come out of the decoder."""

    def __init__(self, start_ticks: int, delay_ticks: int, *, is_from_start: bool) -> None:
        """After a seek, the order is certain from the second keyframe on, and earlier frames are left out."""
        self._decoded: list[int] = []  # times of the packets, ascending
        self._keyframes: dict[int, int] = {}  # from a keyframe's time to its place among the packets
        self._shown = 0  # place of the next frame
        self._later: dict[
            int, int
        ] = {}  # how many frames after a keyframe, in decoding order, came out before it
        self._is_certain = is_from_start
        self._first_ticks = start_ticks - delay_ticks
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

    def packets_as_shown(self, packets: Iterable[Packet[Any]], decode: Decode) -> Iterator[Packet[Any]]:
        """Packets with the times at which their frames are shown.

        Left out are packets whose time is uncertain after a seek, and those without a frame.
        """
        waiting: deque[Packet[Any]] = deque()
        shown: dict[int | None, int | None] = {}  # from when a packet is decoded to when its frame is shown
        for packet in chain(packets, [None]):
            if packet is not None:
                self.feed(packet)
                waiting.append(packet)
            for frame in decode(packet):
                mark = frame.pts
                shown[mark] = frame.pts if self._give_time(frame) else None
            while waiting and (waiting[0].dts in shown or len(waiting) > MOST_WAITING or packet is None):
                first = waiting.popleft()
                first.pts = shown.pop(first.dts, None)
                if first.pts is not None:
                    yield first

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
