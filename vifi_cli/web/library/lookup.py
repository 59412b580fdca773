"""From the addresses of requests to indexed videos and moments of them; nothing else can be named."""

import os
import stat
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.web.library.address import parse_key, parse_span, video_by_key
from vifi_cli.web.library.index_reader import IndexReader

ROUNDED_SECONDS = 0.01
NOT_FOUND = 404
GONE = "This file is not where it was. Is its disk plugged in?"
UNREADABLE = "This file cannot be opened."


class Lookup:
    """Finds what requests name, which can only be indexed videos and their moments; fails with `404 Not Found`."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader

    async def video(self, request: Request) -> CatalogedVideo:
        """The indexed video of an address."""
        key = parse_key(request.path_params["key"])
        if key is None:
            raise HTTPException(NOT_FOUND)
        video = await self._reader.read(lambda session: video_by_key(session.index.catalog, key))
        if video is None:
            raise HTTPException(NOT_FOUND)
        return video

    def span(self, request: Request, video: CatalogedVideo) -> tuple[float, float]:
        """The start and end of the moment that an address names, in seconds."""
        parameters = request.query_params
        span = parse_span(parameters.get("start", ""), parameters.get("end", ""))
        if span is None or span[0] >= video.duration_seconds + ROUNDED_SECONDS:
            raise HTTPException(NOT_FOUND)
        return span[0], min(span[1], video.duration_seconds + ROUNDED_SECONDS)


def why_out_of_reach(path: Path) -> str | None:
    """What keeps a file from being read, in words for the user; None if nothing does."""
    try:
        # a pipe or a device in the place of a video must not make the server wait
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return GONE
    except OSError:
        return UNREADABLE
    try:
        return None if stat.S_ISREG(os.fstat(descriptor).st_mode) else GONE
    finally:
        os.close(descriptor)
