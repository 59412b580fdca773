"""Reads packets of open containers, and what their format is like."""

from __future__ import annotations  # av.Packet is generic for type checkers only

from collections.abc import Iterator
from typing import Any

import av
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Stream

from vifi_cli.video.container.source_file import check_memory

MICROSECOND = 1e-6  # the unit of a container's own times


def demuxed(container: InputContainer, *streams: Stream) -> Iterator[Packet[Any]]:
    """The packets of streams, the last ones empty, until the file is cut off or broken."""
    try:
        yield from container.demux(*streams)
    except av.FFmpegError as error:
        check_memory(error)
    except IndexError:  # PyAV's, at the end of a file with streams that its beginning had not announced
        return


def has_flag(container: InputContainer, flags: Flags) -> bool:
    """Whether the container's format has one of FFmpeg's flags."""
    return bool(Flags(container.format.flags) & flags)


def shares_packets(container: InputContainer) -> bool:
    """Whether frames share packets of the container, as in program streams, which give times only to some."""
    return container.format.name == "mpeg"
