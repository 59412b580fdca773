"""What single packets bring for all that follow: a palette, a new header. A packet that is skipped must not lose it."""

from __future__ import annotations  # av.Packet is generic for type checkers only

from typing import Literal

from av.packet import Packet, PacketSideData
from av.video.stream import VideoStream

LASTING: tuple[Literal["palette"], Literal["new_extradata"]] = ("palette", "new_extradata")
NEW_EXTRADATA = 1  # FFmpeg's number of this kind


class LastingSideData:
    """The latest of each kind, given to every keyframe that brings none, since decoding may start there."""

    def __init__(self) -> None:
        self._latest: dict[Literal["palette", "new_extradata"], PacketSideData] = {}

    def bring_header(self, header: bytes | None) -> None:
        """Notes a header that a packet brought which a seek has jumped over."""
        if header:
            brought = PacketSideData(NEW_EXTRADATA, len(header))  # type: ignore[call-arg]
            brought.update(header)
            self._latest["new_extradata"] = brought

    def carry(self, packet: Packet[VideoStream]) -> None:
        """Notes what a packet brings, or adds to a keyframe what it lacks; for all packets in the file's order."""
        for kind in LASTING:
            if packet.has_sidedata(kind):
                self._latest[kind] = packet.get_sidedata(kind)
            elif packet.is_keyframe and kind in self._latest:
                packet.set_sidedata(self._latest[kind])
