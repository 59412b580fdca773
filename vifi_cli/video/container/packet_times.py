"""Puts the times of packets on the file's clock, as they are read."""

from __future__ import annotations  # av.Packet is generic for type checkers only

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from av.packet import Packet

from vifi_cli.video.clock.file_clock import (
    LEAP_SECONDS,
    SET_BACK_SECONDS,
    TRANSMITTED_CYCLE,
    FileClock,
    PacketPlace,
    next_place,
)

BEFORE_ALL: PacketPlace = (-1, 0)
REORDERED_FRAMES = 17  # the most by which codecs reorder, and one


class ClockUnsteady(Exception):
    """The file's own times are set back or leap, so its clock has to be read from all its packets first."""


@dataclass(slots=True)
class PacketTimes:
    """The times of a stream's packets, in order."""

    clock: FileClock | None  # None if it is not known; then packets are checked
    tick_seconds: float  # the unit of the stream's times
    frame_ticks: int  # the usual time from one frame to the next
    has_repeats: bool  # whether gaps stand for frames that are repeated, as in AVI
    late_ticks: int = 0  # how much later than true the file shows all frames
    place: PacketPlace = BEFORE_ALL  # of the latest packet
    _latest_ticks: int | None = None
    _latest_decoded: int | None = None

    @property
    def is_shifted(self) -> bool:
        """Whether any packets get other times than their own, as in joined recordings."""
        return self.clock is not None and bool(self.clock.segments)

    def count(self, packet: Packet[Any]) -> None:
        """Notes where a packet is."""
        self.place = next_place(self.place, packet.pos)

    def set(self, packet: Packet[Any]) -> None:
        """Gives a packet its times on the clock; raises ClockUnsteady if the clock is not known and has to be read."""
        packet.pts = self.plausible_pts(packet)
        packet.duration = self.length_ticks(packet)
        if self.clock is None:
            self._check(packet)
        clock_ticks = self.clock.shift_ticks(self.place) if self.clock is not None else 0
        if shift := clock_ticks - self.late_ticks:
            packet.pts = None if packet.pts is None else packet.pts + shift
            packet.dts = None if packet.dts is None else packet.dts + shift

    def length_ticks(self, packet: Packet[Any]) -> int:
        """How long the frame of the next packet is on screen: where the file does not say, as long as the one before.

        FFmpeg does not know how often AVI repeats its last frame.
        """
        before, self._latest_decoded = self._latest_decoded, packet.dts
        since = 0 if before is None or packet.dts is None else packet.dts - before
        since = since if 0 < since * self.tick_seconds <= LEAP_SECONDS else self.frame_ticks
        declared = packet.duration or 0
        if self.clock is not None and self.clock.segments and declared * self.tick_seconds > LEAP_SECONDS:
            return self.frame_ticks
        if self.clock is not None and self.clock.slowness > 1:
            return since  # the declared length is in another unit
        return max(declared, self.frame_ticks, since) if self.has_repeats else declared or since

    def plausible_pts(self, packet: Packet[Any]) -> int | None:
        """When a packet's frame is shown, by the file; None if that cannot be, far from when it is decoded."""
        if packet.pts is None or packet.dts is None:
            return packet.pts
        longest = max(self.frame_ticks, packet.duration or 0) * self.tick_seconds
        for ticks in (packet.pts, packet.pts + TRANSMITTED_CYCLE, packet.pts - TRANSMITTED_CYCLE):
            if abs(ticks - packet.dts) * self.tick_seconds <= LEAP_SECONDS + REORDERED_FRAMES * longest:
                return ticks
        return None

    def _check(self, packet: Packet[Any]) -> None:
        ticks = packet.dts if packet.dts is not None else packet.pts
        if ticks is None:
            return
        before, self._latest_ticks = self._latest_ticks, ticks
        if (
            before is not None
            and not -SET_BACK_SECONDS <= (ticks - before) * self.tick_seconds <= LEAP_SECONDS
        ):
            raise ClockUnsteady


def decoded_early(packets: Iterator[Packet[Any]], frame_ticks: int) -> Iterator[Packet[Any]]:
    """Packets that are decoded early enough to be shown in time, where FFmpeg cannot tell when they are decoded."""
    latest: int | None = None
    for packet in packets:
        if packet.pts is not None:
            early = packet.pts - REORDERED_FRAMES * frame_ticks
            latest = packet.dts = early if latest is None else max(early, latest + 1)
        yield packet
