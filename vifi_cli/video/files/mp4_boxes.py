"""The outermost boxes of an MP4 or QuickTime file, such as the one that lists its tracks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from vifi_cli.video.files.content import length_bytes

HEADER_BYTES = 16
LEAST_BYTES = 8  # of a box: its size and its kind


@dataclass(frozen=True, slots=True)
class Box:
    """A box, as its own header describes it."""

    kind: bytes  # four letters
    start: int  # in bytes
    size_bytes: int  # 0 up to the end of the file; damaged files have any


def outermost_boxes(file: BinaryIO) -> Iterator[Box]:
    """The boxes from the beginning on, up to the first whose size makes no sense; raises OSError."""
    start, end = 0, length_bytes(file)
    while start < end:
        file.seek(start)
        header = file.read(HEADER_BYTES)
        if len(header) < LEAST_BYTES:
            return
        size_bytes = int.from_bytes(header[:4])
        if size_bytes == 1:
            size_bytes = int.from_bytes(header[8:])
        yield Box(header[4:8], start, size_bytes)
        if size_bytes < LEAST_BYTES:
            return
        start += size_bytes
