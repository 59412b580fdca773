"""From the addresses that requests name to indexed videos and stretches of them; nothing else can be named."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vifi_cli.web.library.address import parse_key, parse_span
from vifi_cli.web.library.index_reader import IndexReader
from vifi_cli.web.library.videos import LibraryVideo, video_by_key

ROUNDED_SECONDS = 0.01
NOT_FOUND = 404


class Lookup:
    """Finds what requests name, each failing with `404 Not Found`."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader

    async def video(self, request: Request) -> LibraryVideo:
        """The indexed video of an address."""
        key = parse_key(request.path_params["key"])
        if key is None:
            raise HTTPException(NOT_FOUND)
        video = await self._reader.read(lambda index: video_by_key(index.catalog, key))
        if video is None:
            raise HTTPException(NOT_FOUND)
        return video

    def span(self, request: Request, video: LibraryVideo) -> tuple[float, float]:
        """The stretch of the video that an address names, in seconds."""
        parameters = request.query_params
        span = parse_span(parameters.get("start", ""), parameters.get("end", ""))
        if span is None or span[0] >= video.duration_seconds + ROUNDED_SECONDS:
            raise HTTPException(NOT_FOUND)
        return span[0], min(span[1], video.duration_seconds + ROUNDED_SECONDS)
