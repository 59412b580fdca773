"""Recognizes videos by the first bytes of a file, apart from containers of only sound or pictures."""

import re
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

from vifi_cli.video.files.mp4_boxes import outermost_boxes

HEAD_BYTES = 4096
TRACKS_BYTES = 256 * 1024  # of the beginning of a file, where containers list their tracks
MOST_BOXES = 64
LONGEST_INDEX_BYTES = 16 * 1024 * 1024  # of an MP4's `moov` box that is searched for a video track

TRANSPORT_SYNC, TRANSPORT_STEPS, TRANSPORT_PACKETS = 0x47, (188, 192, 204), 5

Content = Literal["video", "only_sound", "not_video", "unreadable"]

_MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"styp", b"pnot"})
_NOT_VIDEO_BRANDS = re.compile(
    rb"M4A |M4B |M4P |F4A |F4B |hei[cxms]|hev[cxms]|mif1|msf1|avif|crx |jp2 |jpx |jpm "
)
_MATROSKA, _OGG, _ASF = b"\x1aE\xdf\xa3", b"OggS", b"0&\xb2u\x8ef\xcf\x11"
_BEGINNINGS = (
    *(b"FLV\x01", b".RMF", b".R1M", b"YUV4MPEG2", b"DKIF", b"NSVf", b"NSVs", b"nut/multimedia container"),
    *(b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"),  # MPEG program stream, MPEG video
    *(b"\x00\x00\x00\x01" + bytes([unit]) for unit in (0x67, 0x27, 0x09, 0x40, 0x42, 0x46)),  # H.264, H.265
    *(b"DHAV", b"SMK2", b"SMK4", b"NuppelVideo", b"MythTVVideo", b"\xf5\x46\x7a\xbd"),
    b"\x00\x00\x00\x00\x01\xbc\x00",  # GXF
    b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02",  # MXF
    b"\xb7\xd8\x00 7I\xda\x11\xa6N\x00\x07\xe9^\xad\x8d",  # WTV
    b"\x11\xd2\xd3\xab\xba\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c Se",  # IFV
)
_BINK = re.compile(rb"BIK[bfghi]")
_RIFF_KINDS = frozenset({b"AVI ", b"AMV ", b"CDXA"})  # the last is of Video CDs
_MATROSKA_CODEC = re.compile(rb"\x86[\x81-\xbf](?P<kind>[VAS])_[A-Z]")
_OGG_VIDEO = re.compile(rb"\x80theora|BBCD\x00|\x01video\x00|OVP80|YUV4MPEG2")
_ASF_VIDEO = b"\xc0\xef\x19\xbcM[\xcf\x11\xa8\xfd\x00\x80_\\D+"
_MP4_VIDEO = re.compile(rb"hdlr.{8}vide", re.DOTALL)


def looks_like_video(head: bytes) -> bool:
    """Whether a file that begins with these bytes is of a container that holds videos, if not only them."""
    return (
        head[4:8] in _MP4_BOXES
        or head.startswith((_MATROSKA, _OGG, _ASF, *_BEGINNINGS))
        or (head.startswith(b"RIFF") and head[8:12] in _RIFF_KINDS)
        or _BINK.match(head) is not None
        or _is_transport_stream(head)
    )


def content_of(path: Path) -> Content:
    """What a file holds, by its beginning; `unreadable` if the disk fails. When in doubt, it is a video."""
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(HEAD_BYTES)
            if not looks_like_video(head):
                return "not_video"
            if head[4:8] in _MP4_BOXES:
                return _content_of_mp4(file, head)
            if head.startswith((_MATROSKA, _OGG, _ASF)):
                return _content_by_tracks(head + file.read(TRACKS_BYTES))
            return (
                "video" if not head.startswith(b"FLV\x01") or head[4] & 1 or not head[4] & 4 else "only_sound"
            )
    except OSError:
        return "unreadable"


def _content_by_tracks(beginning: bytes) -> Content:
    if beginning.startswith(_OGG):
        return "video" if _OGG_VIDEO.search(beginning) else "only_sound"
    if beginning.startswith(_ASF):
        return "video" if _ASF_VIDEO in beginning else "only_sound"
    kinds = {match["kind"] for match in _MATROSKA_CODEC.finditer(beginning)}
    return "only_sound" if kinds and b"V" not in kinds else "video"


def _content_of_mp4(file: BinaryIO, head: bytes) -> Content:
    """Of an MP4 file, by its brand and its list of tracks."""
    if head[4:8] == b"ftyp" and _NOT_VIDEO_BRANDS.match(head[8:12]):
        return "only_sound" if head[8:11] in {b"M4A", b"M4B", b"M4P", b"F4A", b"F4B"} else "not_video"
    for box in islice(outermost_boxes(file), MOST_BOXES):
        if box.kind == b"moov":
            file.seek(box.start)
            tracks = file.read(min(box.size_bytes or LONGEST_INDEX_BYTES, LONGEST_INDEX_BYTES))
            return "video" if _MP4_VIDEO.search(tracks) or b"hdlr" not in tracks else "only_sound"
    return "video"


def _is_transport_stream(head: bytes) -> bool:
    """MPEG-TS packets begin with the same byte; M2TS puts four bytes before each, and a recording begins anywhere."""
    return any(
        all(head[start + step * n] == TRANSPORT_SYNC for n in range(TRANSPORT_PACKETS))
        for step in TRANSPORT_STEPS
        for start in range(min(step, len(head) - step * (TRANSPORT_PACKETS - 1)))
    )
