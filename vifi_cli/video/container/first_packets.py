"""Reads the first packets of a video where FFmpeg may be wrong about when its frames are shown."""

from __future__ import annotations  # av.Packet is generic for type checkers only

from dataclasses import dataclass, field
from itertools import islice, takewhile

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from vifi_cli.video.clock.file_clock import SAME_INSTANT_SECONDS, FileClock
from vifi_cli.video.container.demuxing import MICROSECOND, demuxed, shares_packets
from vifi_cli.video.container.display_order import (
    AS_THE_FILE_SAYS,
    CODECS_WITH_ORDER,
    FrameOrder,
    order_in_avi,
    order_in_matroska,
)

ORDER_PACKETS = 64  # enough to see whether a file says when its frames are shown
CODECS_DECODED_LATE = {"h264"}  # the decoder may hold frames back although none is reordered
REORDERED_PACKETS = 17  # the first picture is among them
FORMATS_WITH_TRUE_STARTS = ("mov", "avi")  # they say when the pictures begin


@dataclass(frozen=True, slots=True)
class FirstPackets:
    """What the first packets of a video show."""

    order: FrameOrder
    origin_ticks: int | None  # the own time of the first picture
    ahead: list[Packet[VideoStream]] = field(default_factory=list)  # read already


def read_first_packets(
    container: InputContainer, stream: VideoStream, clock: FileClock | None, frame_ticks: int
) -> FirstPackets:
    """Looks at a stream that was just opened, whose other streams are discarded."""
    name, context, start = container.format.name, stream.codec_context, stream.start_time
    is_as_in_avi = name.startswith("matroska") and context.codec_tag.strip("\0") != ""
    may_reorder = context.has_b_frames or context.name in CODECS_DECODED_LATE
    if may_reorder and (name == "avi" or is_as_in_avi):
        ahead = _read(container, stream, ORDER_PACKETS)
        order = (
            order_in_matroska(ahead, start or 0)
            if is_as_in_avi
            else order_in_avi(ahead, context.name, start or 0)
        )
        return FirstPackets(order, start, ahead)
    if (
        shares_packets(container)
        and clock is not None
        and not clock.is_plain
        and context.name in CODECS_WITH_ORDER
    ):
        # FFmpeg guessed some of the times, and one of them was wrong
        order = FrameOrder(is_all_known=True, delay_ticks=frame_ticks if context.has_b_frames else 0)
        return FirstPackets(order, start)
    if start is None or not _may_begin_late(container, stream):
        return FirstPackets(AS_THE_FILE_SAYS, start)
    ahead = _read(container, stream, REORDERED_PACKETS)
    in_order = takewhile(lambda packet: (packet.dts or 0) >= (ahead[0].dts or 0), ahead)
    shown = [packet.pts for packet in in_order if packet.pts is not None]
    return FirstPackets(AS_THE_FILE_SAYS, max(min(shown, default=start), start), ahead)


def _may_begin_late(container: InputContainer, stream: VideoStream) -> bool:
    """Whether FFmpeg may confuse the beginning of the pictures with that of the file, such as that of its sound."""
    if len(container.streams) < 2 or container.format.name.startswith(FORMATS_WITH_TRUE_STARTS):
        return False
    late = (
        float((stream.start_time or 0) * (stream.time_base or 0)) - (container.start_time or 0) * MICROSECOND
    )
    return late <= SAME_INSTANT_SECONDS


def _read(container: InputContainer, stream: VideoStream, packets: int) -> list[Packet[VideoStream]]:
    return [packet for packet in islice(demuxed(container, stream), packets) if packet.size]
