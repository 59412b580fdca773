"""How browsers play a moment: the file as it is, or a part of it that is re-encoded."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from av.container import InputContainer
from av.video.stream import VideoStream

from vifi_cli.errors import UnreadableVideo, VideoOutOfReach
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.video.container.container import OpenVideo, open_video, unwatched
from vifi_cli.video.files.content import video_version
from vifi_cli.video.pictures.orientation import Orientation
from vifi_cli.video.workers.isolated_worker import Report
from vifi_cli.web.media.clocks import Clocks
from vifi_cli.web.media.render_processes import Renderers
from vifi_cli.web.requests.address import key_of

LEAD_SECONDS = 2.0
"""Shown before and after a moment that is re-encoded."""
LONGEST_SECONDS = 60.0
"""Of a re-encoded part, without its lead."""

MOST_KNOWN = 2000
ENCODED_TYPE = "video/mp4"
PLAYABLE_PIXELS = {"yuv420p", "yuvj420p"}
MP4_SUFFIXES, WEBM_SUFFIXES = {".mp4", ".m4v", ".mov"}, {".webm"}
MP4_CODECS, WEBM_CODECS = {"h264", "vp9", "av1"}, {"vp8", "vp9", "av1"}
MP4_SOUND, WEBM_SOUND = {"aac", "mp3", "opus", "flac"}, {"opus", "vorbis"}


@dataclass(frozen=True, slots=True)
class Playability:
    """Whether browsers can play a file."""

    media_type: str | None  # of the file; None if it must be re-encoded, since browsers may not play it
    first_frame_seconds: float = 0.0  # on a browser's clock, which begins with the first picture or sound


def playability(path: Path, _: Report) -> Playability:
    """Checks a file; raises UnreadableVideo if it is not a video."""
    with open_video(path) as video:
        media_type = _media_type(path, video.container, video.stream)
        if video.ignored_streams or (media_type is not None and _is_mirrored(video)):
            media_type = None  # browsers may choose another stream, and not all of them mirror pictures
        if not path.is_file():  # a member of a shard, which has no file to be sent
            media_type = None
        return Playability(media_type, max(0.0, video.late_seconds))


def _is_mirrored(video: OpenVideo) -> bool:
    first = next(video.frames(unwatched), None)
    return first is not None and Orientation.of(first).is_mirrored


def _media_type(path: Path, container: InputContainer, stream: VideoStream) -> str | None:
    """All browsers play 8 bits a color at half the color resolution, in few codecs and containers."""
    context = stream.codec_context
    if context.pix_fmt not in PLAYABLE_PIXELS:
        return None
    sound = {getattr(audio.codec_context, "name", "unknown") for audio in container.streams.audio}
    kinds, suffix, codec = container.format.name.split(","), path.suffix.lower(), context.codec.canonical_name
    if "mp4" in kinds and suffix in MP4_SUFFIXES and codec in MP4_CODECS and sound <= MP4_SOUND:
        return "video/mp4"
    if "webm" in kinds and suffix in WEBM_SUFFIXES and codec in WEBM_CODECS and sound <= WEBM_SOUND:
        return "video/webm"
    return None


def part_to_encode(start_seconds: float, end_seconds: float, duration_seconds: float) -> tuple[float, float]:
    """The start and end, in seconds, of the part to re-encode for a moment: with a lead, and of limited length."""
    start = max(0.0, start_seconds - LEAD_SECONDS)
    end = min(end_seconds, start_seconds + LONGEST_SECONDS) + LEAD_SECONDS
    return start, max(min(end, duration_seconds), start + 0.04)


@dataclass(frozen=True, slots=True)
class Source:
    """Something to play, and where the moment is in it."""

    address: str  # what a browser loads, below the root of the page
    media_type: str
    start_seconds: float  # where the moment begins in what is loaded
    end_seconds: float
    is_encoded: bool  # whether it is re-encoded, which takes a while the first time

    @property
    def address_of_moment(self) -> str:
        """The address with the moment in it, for players that need no script."""
        return f"{self.address}#t={self.start_seconds:.3f},{self.end_seconds:.3f}"


class Sources:
    """Finds out how moments are played, and remembers it for each video."""

    def __init__(self, renderers: Renderers, clocks: Clocks) -> None:
        self._renderers = renderers
        self._clocks = clocks
        self._known: OrderedDict[str, Playability] = OrderedDict()

    async def of_moment(
        self, video: CatalogedVideo, start_seconds: float, end_seconds: float
    ) -> list[Source]:
        """The sources of a moment, the best first; the next is for browsers that cannot play it."""
        encoded = _encoded(video, start_seconds, end_seconds)
        playable = await self._playability(video)
        if playable.media_type is None:
            return [encoded]
        lead = playable.first_frame_seconds
        address = f"/video/{key_of(video)}/file"
        file = Source(address, playable.media_type, start_seconds + lead, end_seconds + lead, False)
        return [file, encoded]

    async def media_type(self, video: CatalogedVideo) -> str | None:
        """The type under which a video's file is sent, None if it is not."""
        return (await self._playability(video)).media_type

    async def _playability(self, video: CatalogedVideo) -> Playability:
        name = f"{key_of(video)} {await asyncio.to_thread(video_version, video.path)}"
        if name not in self._known:
            try:
                found = await self._renderers.run(partial(playability, video.path), Playability)
            except (VideoOutOfReach, OSError):  # it may work next time
                return Playability(None)
            except UnreadableVideo:
                found = Playability(None)
            if found.media_type is not None and not await self._has_plain_clock(video):
                found = Playability(None)
            self._known[name] = found
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return self._known[name]

    async def _has_plain_clock(self, video: CatalogedVideo) -> bool:
        """Whether a browser, which uses a file's own times, reaches the moments that vifi names."""
        clock = await self._clocks.of(video)
        return clock is None or clock.is_plain


def _encoded(video: CatalogedVideo, start_seconds: float, end_seconds: float) -> Source:
    start, end = part_to_encode(start_seconds, end_seconds, video.duration_seconds)
    query = urlencode({"start": f"{start:.3f}", "end": f"{end:.3f}"})
    address = f"/video/{key_of(video)}/moment?{query}"
    return Source(address, ENCODED_TYPE, start_seconds - start, min(end_seconds, end) - start, True)
