"""The clocks of indexed videos, for everything that shows a moment of them."""

import asyncio
from contextlib import suppress
from functools import partial

from vifi_cli.errors import IndexProblem, UnreadableVideo
from vifi_cli.index.catalog.records import CatalogedVideo, is_as_indexed
from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.container.clock_reading import clock_of
from vifi_cli.web.media.render_processes import Renderers
from vifi_cli.web.requests.index_reader import IndexReader


class Clocks:
    """Looks clocks up in the index; those that an older vifi did not keep are read once, and kept."""

    def __init__(self, library: IndexReader, renderers: Renderers) -> None:
        self._library = library
        self._renderers = renderers

    async def of(self, video: CatalogedVideo) -> FileClock | None:
        """The clock of a video; None if its file has changed or cannot be read, which rendering it will show."""
        if not await asyncio.to_thread(is_as_indexed, video):
            return None
        known = await self._library.read(lambda session: session.index.catalog.clock(video.id))
        if known is not None:
            return known
        try:
            found = await self._renderers.run(partial(clock_of, video.path), FileClock)
        except (UnreadableVideo, OSError):
            return None
        with suppress(IndexProblem):  # a read-only index; the next request reads the file again
            await self._library.read(lambda session: session.index.catalog.note_clock(video, found))
        return found
