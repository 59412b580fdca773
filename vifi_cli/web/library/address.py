"""Addresses of videos and moments: how the page names them, without a path ever coming from outside."""

import math
import re
from dataclasses import dataclass
from hashlib import blake2b

KEY = re.compile(r"([1-9][0-9]{0,17})-([0-9a-f]{8})")
STRETCH = re.compile(rf"(?P<key>{KEY.pattern})@(?P<start>[0-9.]{{1,16}})-(?P<end>[0-9.]{{1,16}})")


@dataclass(frozen=True, slots=True)
class VideoKey:
    """Names an indexed video: its id in the catalogue, and a digest of its content, since ids are used again.

    What is made from the video may be kept for good under this name. Written as `12-9f3a61c2`.
    """

    id: int
    digest: str

    def __str__(self) -> str:
        return f"{self.id}-{self.digest}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a video, written as `12-9f3a61c2@6-10.5`; the times are seconds."""

    video: VideoKey
    start_seconds: float
    end_seconds: float

    def __str__(self) -> str:
        return f"{self.video}@{self.start_seconds:.3f}-{self.end_seconds:.3f}"


def key_of(video_id: int, fingerprint: str, size_bytes: int, modified_ns: int) -> VideoKey:
    """The key of a catalogued video; one that changed while it was read has no fingerprint."""
    content = fingerprint or f"{size_bytes} {modified_ns}"
    return VideoKey(video_id, blake2b(content.encode(), digest_size=4).hexdigest())


def parse_key(text: str) -> VideoKey | None:
    """The key that an address names, None if it names none."""
    match = KEY.fullmatch(text)
    return VideoKey(int(match[1]), match[2]) if match else None


def parse_stretch(text: str) -> Stretch | None:
    """The stretch that an address names, None if it names none."""
    match = STRETCH.fullmatch(text)
    key = parse_key(match["key"]) if match else None
    if match is None or key is None:
        return None
    span = parse_span(match["start"], match["end"])
    return Stretch(key, *span) if span else None


def parse_span(start: str, end: str) -> tuple[float, float] | None:
    """Two times of an address, seconds, the first before the second and neither negative; None if they are not."""
    try:
        start_seconds, end_seconds = float(start), float(end)
    except ValueError:
        return None
    fits = 0 <= start_seconds < end_seconds and math.isfinite(end_seconds)
    return (start_seconds, end_seconds) if fits else None
