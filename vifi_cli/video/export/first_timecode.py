"""The timecode that a camera or an editor gave a video's first frame: in a tag, or beside the frame itself."""

import struct
from fractions import Fraction
from typing import cast

from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame

from vifi_cli.video.container.container import OpenVideo

NAME = "timecode"  # of the tag; Matroska writes it in capitals
SOME_TIME = 0x1F << 19 | 0x3F << 13 | 0xFFF  # the bits of hours, minutes, seconds and frames
FIELD_RATES = 30  # above it, two frames share a timecode


def first_timecode(video: OpenVideo, first: VideoFrame, rate: Fraction) -> str | None:
    """A text such as `10:20:30:12`, with `;` before the frame if frame numbers are dropped; None if there is none."""
    return tagged_timecode(video) or _beside(first, rate)


def tagged_timecode(video: OpenVideo) -> str | None:
    """The timecode of the first frame that a tag holds, of the pictures, another stream or the file."""
    streams = [video.stream, *video.container.streams]
    tags = [*(stream.metadata for stream in streams), video.container.metadata]
    texts = (text.strip() for tag in tags for name, text in tag.items() if name.lower() == NAME)
    return next((text for text in texts if text), None)


def _beside(frame: VideoFrame, rate: Fraction) -> str | None:
    try:
        found = cast(SideDataContainer, frame.side_data)
        if Type.S12M_TIMECODE in found:
            count, timecode = struct.unpack("=2I", bytes(found[Type.S12M_TIMECODE])[:8])
            return smpte_timecode(timecode, rate) if count else None
        if Type.GOP_TIMECODE in found:
            (bits,) = struct.unpack("=q", bytes(found[Type.GOP_TIMECODE])[:8])
            return gop_timecode(bits) if bits & SOME_TIME else None  # 0 is what encoders write that know none
    except (ValueError, struct.error):  # PyAV does not know all kinds of side data
        return None
    return None


def gop_timecode(bits: int) -> str:
    """The timecode of a group of pictures in MPEG-1 and MPEG-2, 25 bits."""
    hours, minutes, seconds = bits >> 19 & 0x1F, bits >> 13 & 0x3F, bits >> 6 & 0x3F
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if bits >> 24 & 1 else ':'}{bits & 0x3F:02}"


def smpte_timecode(bits: int, rate: Fraction) -> str:
    """The timecode of SMPTE ST 12-1, 32 bits, as H.264, HEVC and DV have it."""
    hours, minutes, seconds, frames = (
        _decimal(bits >> shift & mask) for shift, mask in ((0, 0x3F), (8, 0x7F), (16, 0x7F), (24, 0x3F))
    )
    if rate > FIELD_RATES:
        frames = 2 * frames + (bits >> (7 if round(rate) == 50 else 23) & 1)
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if bits >> 30 & 1 else ':'}{frames:02}"


def _decimal(bits: int) -> int:
    return 10 * (bits >> 4) + (bits & 0xF)
