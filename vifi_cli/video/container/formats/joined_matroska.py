"""Lets FFmpeg read Matroska files that were joined byte for byte to their end: by itself it reads one or two of them.

in the file     EBML | Segment: Tracks Cluster Cluster Cues | EBML | Segment: Tracks Cluster Cues
as FFmpeg sees  EBML | Segment: Tracks Cluster Cluster Cues   Void                   Cluster Void
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

EBML, SEGMENT, CLUSTER = bytes.fromhex("1A45DFA3"), bytes.fromhex("18538067"), bytes.fromhex("1F43B675")
ID_BYTES, LONGEST_SIZE_BYTES = 4, 8
SEARCHED_BYTES = 2**20  # at once
VOID, VOID_BYTES = b"\xec\x01", 9  # with a size of 7 bytes

ReadAt = Callable[[int, int], bytes]
"""From a position in a file and a number of bytes to the bytes there."""
Patch = tuple[int, bytes]
"""Where other bytes are to be read than the file has, and which."""


def patches_of(read_at: ReadAt, size_bytes: int) -> list[Patch]:
    """What to change in a file so that all recordings in it are one, in order; nothing in nearly all files."""
    if read_at(0, ID_BYTES) != EBML:
        return []
    segment = _segment_at(read_at, 0)
    if segment is None or read_at(segment[2], ID_BYTES) != EBML:
        return []
    field, begin, end = segment
    patches = [(field, _unknown(begin - field))]
    hidden = end  # where what is to be hidden begins
    while (following := _segment_at(read_at, end)) is not None:
        _, begin, end = following
        for start, after in _clusters(read_at, begin, min(end, size_bytes)):
            if start - hidden >= VOID_BYTES:
                patches.append(_void(hidden, start))
            hidden = after
    if size_bytes - hidden >= VOID_BYTES:
        patches.append(_void(hidden, size_bytes))
    return patches


def patched(data: bytes, position: int, patches: list[Patch]) -> bytes:
    """Bytes of a file as FFmpeg is to see them, from their position on."""
    changed: bytearray | None = None
    for start, other in patches:
        if start < position + len(data) and position < start + len(other):
            changed = bytearray(data) if changed is None else changed
            first, last = max(start, position), min(start + len(other), position + len(data))
            changed[first - position : last - position] = other[first - start : last - start]
    return data if changed is None else bytes(changed)


def cluster_before(read_at: ReadAt, position: int) -> int:
    """Where the last cluster begins that begins at or before a position; 0 if none does."""
    end = position + len(CLUSTER)
    while end > len(CLUSTER):
        begin = max(end - SEARCHED_BYTES, 0)
        found = read_at(begin, end - begin).rfind(CLUSTER)
        if found >= 0:
            return begin + found
        end = begin + len(CLUSTER) - 1
    return 0


def _segment_at(read_at: ReadAt, position: int) -> tuple[int, int, int] | None:
    """Of the recording that begins at a position: where its size stands, where its content begins and ends."""
    header = _element(read_at, position)
    if header is None or header[0] != EBML:
        return None
    segment = _element(read_at, header[2])
    if segment is None or segment[0] != SEGMENT:
        return None
    return header[2] + ID_BYTES, segment[1], segment[2]


def _clusters(read_at: ReadAt, begin: int, end: int) -> Iterator[tuple[int, int]]:
    while begin < end and (element := _element(read_at, begin)) is not None:
        if element[0] == CLUSTER:
            yield begin, element[2]
        begin = element[2]


def _element(read_at: ReadAt, position: int) -> tuple[bytes, int, int] | None:
    """An element's name, and where its content begins and ends; None if that is not known."""
    head = read_at(position, ID_BYTES + LONGEST_SIZE_BYTES)
    name_bytes = _vint_bytes(head, ID_BYTES)
    size_bytes = _vint_bytes(head[name_bytes:], LONGEST_SIZE_BYTES)
    if not name_bytes or not size_bytes or len(head) < name_bytes + size_bytes:
        return None
    field = head[name_bytes : name_bytes + size_bytes]
    if field == _unknown(size_bytes):
        return None
    size = int.from_bytes(field, "big") - (1 << 7 * size_bytes)
    begin = position + name_bytes + size_bytes
    return head[:name_bytes], begin, begin + size


def _vint_bytes(head: bytes, longest: int) -> int:
    """How many bytes a number takes; 0 if it is none."""
    length = 9 - head[0].bit_length() if head and head[0] else 0
    return length if length <= longest else 0


def _unknown(size_bytes: int) -> bytes:
    return ((1 << 7 * size_bytes + 1) - 1).to_bytes(size_bytes, "big")


def _void(start: int, end: int) -> Patch:
    return start, VOID + (end - start - VOID_BYTES).to_bytes(7, "big")
