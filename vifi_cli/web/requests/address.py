"""Addresses of videos and moments: requests name them by keys, never by a path."""

import base64
import math
import os
import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo

KEY = re.compile(r"(?P<id>[1-9][0-9]{0,17})-(?P<digest>[0-9a-f]{8})")
MOMENT = re.compile(rf"{KEY.pattern}@(?P<start>[0-9.]{{1,16}})-(?P<end>[0-9.]{{1,16}})")


@dataclass(frozen=True, slots=True)
class VideoKey:
    """Names an indexed video: its id in the catalog, and a digest of its content, since ids are reused.

    Pictures of the video may be cached for good under this name. Written as `12-9f3a61c2`.
    """

    id: int
    digest: str

    def __str__(self) -> str:
        return f"{self.id}-{self.digest}"


@dataclass(frozen=True, slots=True)
class MomentAddress:
    """Names a moment of a video, written as `12-9f3a61c2@6-10.5`; the times are seconds."""

    video: VideoKey
    start_seconds: float
    end_seconds: float

    def __str__(self) -> str:
        return f"{self.video}@{self.start_seconds:.3f}-{self.end_seconds:.3f}"


def key_of(video: CatalogedVideo) -> VideoKey:
    """The key of an indexed video; one that changed while it was read has no fingerprint."""
    content = video.digest or video.fingerprint or f"{video.size_bytes} {video.modified_ns}"
    return VideoKey(video.id, blake2b(content.encode(), digest_size=4).hexdigest())


def video_by_key(catalog: Catalog, key: VideoKey) -> CatalogedVideo | None:
    """The video that a key names, None if it is no longer in the index."""
    video = catalog.video(key.id)
    return video if video and key_of(video) == key else None


def parse_key(text: str) -> VideoKey | None:
    """The key that an address names, None if it names none."""
    match = KEY.fullmatch(text)
    return VideoKey(int(match["id"]), match["digest"]) if match else None


def parse_moment(text: str) -> MomentAddress | None:
    """The moment that an address names, None if it names none."""
    match = MOMENT.fullmatch(text)
    span = parse_span(match["start"], match["end"]) if match else None
    return MomentAddress(VideoKey(int(match["id"]), match["digest"]), *span) if match and span else None


def parse_span(start: str, end: str) -> tuple[float, float] | None:
    """The start and end in seconds, the first before the second and neither negative; None if they are not."""
    try:
        start_seconds, end_seconds = float(start), float(end)
    except ValueError:
        return None
    is_written = round(start_seconds, 3) < round(end_seconds, 3)  # names of moments have thousandths
    fits = start_seconds >= 0 and is_written and math.isfinite(end_seconds)
    return (start_seconds, end_seconds) if fits else None


def cursor_after(path: Path) -> str:
    """Where a page of videos in the order of their paths begins, as text for an address: after this path."""
    return base64.urlsafe_b64encode(os.fsencode(path)).decode().rstrip("=")


def path_in_cursor(cursor: str) -> Path:
    """The inverse of `cursor_after`; raises InvalidInput for anything else."""
    try:
        decoded = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise InvalidInput("`after` is not the place of a page: take `next` from the answer before") from None
    return Path(os.fsdecode(decoded))
