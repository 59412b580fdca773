"""From a moment to what a browser loads to play it: the file itself, or a stretch of it that is re-encoded."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from vifi_cli.errors import UnreadableVideo
from vifi_cli.web.library.videos import LibraryVideo
from vifi_cli.web.media.playing import Playability, playability, stretch_to_encode
from vifi_cli.web.media.renderers import Renderers

MOST_KNOWN = 2000
ENCODED_TYPE = "video/mp4"


@dataclass(frozen=True, slots=True)
class Source:
    """Something to play, and where in it the moment is.

    Attributes:
        address: what a browser loads.
        media_type: of what comes from there.
        start_seconds: where the moment begins, on the clock of what is loaded.
        end_seconds: where it ends there.
        is_encoded: whether it is made for browsers, which takes a while the first time.
    """

    address: str
    media_type: str
    start_seconds: float
    end_seconds: float
    is_encoded: bool

    @property
    def address_of_moment(self) -> str:
        """The address with the moment in it, for players that need no script."""
        return f"{self.address}#t={self.start_seconds:.3f},{self.end_seconds:.3f}"


class Sources:
    """Finds out how moments are played, and remembers it of each video."""

    def __init__(self, renderers: Renderers) -> None:
        self._renderers = renderers
        self._known: OrderedDict[str, Playability] = OrderedDict()

    async def of_moment(self, video: LibraryVideo, start_seconds: float, end_seconds: float) -> list[Source]:
        """The sources of a moment, the best first; the next one is for browsers that cannot play that."""
        encoded = _encoded(video, start_seconds, end_seconds)
        playable = await self._playability(video)
        if playable.media_type is None:
            return [encoded]
        lead = playable.first_frame_seconds
        address = f"/video/{video.key}/file"
        file = Source(address, playable.media_type, start_seconds + lead, end_seconds + lead, False)
        return [file, encoded]

    async def media_type(self, video: LibraryVideo) -> str | None:
        """The type under which a video's file is sent, None if it is not."""
        return (await self._playability(video)).media_type

    async def _playability(self, video: LibraryVideo) -> Playability:
        name = (
            f"{video.key} {await asyncio.to_thread(_state_of, video.path)}"  # another file is another matter
        )
        if name not in self._known:
            try:
                found = await self._renderers.run(partial(playability, video.path))
            except (UnreadableVideo, OSError):
                found = Playability(None)
            self._known[name] = found
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return self._known[name]


def _state_of(path: Path) -> str:
    """What changes when another file takes this one's place."""
    try:
        status = path.stat()
    except OSError:
        return "gone"
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"


def _encoded(video: LibraryVideo, start_seconds: float, end_seconds: float) -> Source:
    start, end = stretch_to_encode(start_seconds, end_seconds, video.duration_seconds)
    query = urlencode({"start": f"{start:.3f}", "end": f"{end:.3f}"})
    address = f"/video/{video.key}/moment?{query}"
    return Source(address, ENCODED_TYPE, start_seconds - start, min(end_seconds, end) - start, True)
