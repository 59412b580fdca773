"""Finds the header that counts at a place in an FLV file: each is in a tag of its own, and FFmpeg's seek jumps over it.

Reads the beginnings of all tags before the place, about 100 for each second of video.
"""

import re

from vifi_cli.video.container.source_file import SourceFile

SIGNATURE, VIDEO_TAG = b"FLV", 9
START = re.compile(rb"FLV\x01[\x00\x01\x04\x05]\x00\x00\x00\x09")
SEARCHED_BYTES = 2**20  # at once
START_BYTES, TAG_BYTES, SIZE_BYTES = (
    9,
    11,
    4,
)  # of the file's start, of a tag's, and of the size after each tag
CODECS_WITH_HEADER = {7, 12}  # H.264, and HEVC as some servers number it
HEADER_PACKET = 0


def header_before(source: SourceFile, position: int) -> bytes | None:
    """The latest header of the pictures in a tag before a position of the file; None if there is none."""
    here = source.tell()
    try:
        return _header_before(source, position)
    finally:
        source.seek(here)


def another_begins_after(source: SourceFile, position: int) -> bool:
    """Whether a file goes on with another one, which FFmpeg takes for a tag of 5 MB and leaves out."""
    here, overlap = source.tell(), b""
    try:
        source.seek(max(position, len(SIGNATURE)))
        while data := source.read(SEARCHED_BYTES):
            if START.search(overlap + data):
                return True
            overlap = data[1 - START_BYTES :]
        return False
    finally:
        source.seek(here)


def _header_before(source: SourceFile, position: int) -> bytes | None:
    source.seek(0)
    start = source.read(START_BYTES)
    if not start.startswith(SIGNATURE):
        return None
    tag, found = int.from_bytes(start[5:9], "big") + SIZE_BYTES, None
    while tag < position:
        source.seek(tag)
        head = source.read(TAG_BYTES + 2)
        if len(head) < TAG_BYTES + 2:
            break
        size = int.from_bytes(head[1:4], "big")
        if head[0] == VIDEO_TAG and _holds_header(head[TAG_BYTES:]):
            source.seek(tag + TAG_BYTES)
            found = source.read(size)[5:]  # after the codec and the packet's kind and time
        tag += TAG_BYTES + size + SIZE_BYTES
    return found


def _holds_header(data: bytes) -> bool:
    kind, packet = data
    if kind & 0x80:  # enhanced FLV, with the codec as four letters
        return kind & 0x0F == HEADER_PACKET
    return kind & 0x0F in CODECS_WITH_HEADER and packet == HEADER_PACKET
