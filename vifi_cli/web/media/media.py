"""Requests for pictures and videos: files, stills, moving previews, and moments that browsers can play."""

import asyncio
from collections.abc import Coroutine
from dataclasses import asdict
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vifi_cli.api.cut.plan import clip_name
from vifi_cli.errors import UnreadableVideo
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.video.files.content import video_version
from vifi_cli.video.moment import Moment
from vifi_cli.web.location.sub_path import root_of
from vifi_cli.web.media.clocks import Clocks
from vifi_cli.web.media.file_cache import MadeFiles
from vifi_cli.web.media.playback import ENCODED_TYPE, LEAD_SECONDS, LONGEST_SECONDS, Sources
from vifi_cli.web.media.renderings import CLIP, PLAYABLE, PREVIEW, STILL, Rendering, placeholder
from vifi_cli.web.media.sent_file import SentFile
from vifi_cli.web.requests.address import key_of
from vifi_cli.web.requests.index_reader import IndexReader, span_of, why_out_of_reach

LONGEST_ENCODED_SECONDS = LONGEST_SECONDS + 2 * LEAD_SECONDS + 1.0
NOT_FOUND, GONE, UNREADABLE, CLIENT_LEFT, NO_ROOM = 404, 410, 422, 499, 507
FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}
NOT_KEPT = {"Cache-Control": "no-store"}
MEDIA_POLICY = {"Content-Security-Policy": "default-src 'none'; sandbox"}

Result = TypeVar("Result")


class Media:
    """Answers requests for pictures and videos, which name indexed videos by their keys."""

    def __init__(
        self,
        library: IndexReader,
        sources: Sources,
        clocks: Clocks,
        pictures: MadeFiles,
        moments: MadeFiles,
        clips: MadeFiles,
    ) -> None:
        self._library = library
        self._sources = sources
        self._clocks = clocks
        self._pictures = pictures
        self._moments = moments
        self._clips = clips

    def routes(self) -> list[Route]:
        """The addresses of pictures and videos."""
        return [
            Route("/video/{key}/file", self.file),
            Route("/video/{key}/still", partial(self._picture, rendering=STILL)),
            Route("/video/{key}/preview", partial(self._picture, rendering=PREVIEW)),
            Route("/video/{key}/moment", self.moment),
            Route("/video/{key}/sources", self.sources),
        ]

    async def file(self, request: Request) -> Response:
        """The file as it is, in ranges as players request them, if browsers can play it."""
        video = await self._library.video(request)
        if await asyncio.to_thread(why_out_of_reach, video.path):
            raise HTTPException(GONE)
        media_type = await _unless_left(request, self._sources.media_type(video))
        if media_type is None:
            raise HTTPException(UNREADABLE)
        return SentFile(video.path, headers=NOT_KEPT | MEDIA_POLICY, media_type=media_type)

    async def sources(self, request: Request) -> Response:
        """How a moment is played, as JSON, the best way first."""
        video = await self._library.video(request)
        start_seconds, end_seconds = span_of(request, video)
        if hidden := await asyncio.to_thread(why_out_of_reach, video.path):
            return JSONResponse({"problem": hidden}, GONE, NOT_KEPT)
        found = await _unless_left(request, self._sources.of_moment(video, start_seconds, end_seconds))
        root = root_of(request.scope)
        listed = [asdict(source) | {"address": root + source.address} for source in found]
        return JSONResponse({"sources": listed}, headers=NOT_KEPT)

    async def moment(self, request: Request) -> Response:
        """A moment, re-encoded so that browsers can play it."""
        video = await self._library.video(request)
        start_seconds, end_seconds = span_of(request, video)
        if end_seconds - start_seconds > LONGEST_ENCODED_SECONDS:
            raise HTTPException(NOT_FOUND)
        return await self._movie(request, video, Moment(video.path, start_seconds, end_seconds))

    async def clip(self, request: Request, moment: Moment, video: CatalogedVideo) -> Response:
        """A moment of a video in the quality of the video, to be kept; fails as `moment` does."""
        return await self._movie(request, video, moment, to_keep=True)

    async def _movie(
        self, request: Request, video: CatalogedVideo, moment: Moment, *, to_keep: bool = False
    ) -> Response:
        if hidden := await asyncio.to_thread(why_out_of_reach, video.path):
            raise HTTPException(GONE, hidden)
        files, rendering = (self._clips, CLIP) if to_keep else (self._moments, PLAYABLE)
        span = moment.start_seconds, moment.end_seconds
        try:
            path = await _unless_left(request, self._make(files, video, span, rendering))
        except UnreadableVideo as error:
            raise HTTPException(UNREADABLE, str(error)) from error
        except OSError as error:
            raise HTTPException(NO_ROOM, error.strerror) from error
        name = clip_name(moment) if to_keep else None
        headers = FOR_GOOD | MEDIA_POLICY
        return SentFile(path, headers=headers, media_type=ENCODED_TYPE, filename=name)

    async def _picture(self, request: Request, rendering: Rendering) -> Response:
        video = await self._library.video(request)
        span = span_of(request, video)
        if hidden := await asyncio.to_thread(why_out_of_reach, video.path):
            return _placeholder(hidden, GONE)
        try:
            path = await _unless_left(request, self._make(self._pictures, video, span, rendering))
        except UnreadableVideo as error:
            return _placeholder(f"No picture: {error}", UNREADABLE)
        except OSError as error:
            return _placeholder(f"No picture: {error.strerror}", NO_ROOM)
        return SentFile(path, headers=FOR_GOOD | MEDIA_POLICY, media_type="image/webp")

    async def _make(
        self, files: MadeFiles, video: CatalogedVideo, span: tuple[float, float], rendering: Rendering
    ) -> Path:
        """Makes a file, named by a digest of the video's content and of everything that decides how the file looks."""
        moment = Moment(video.path, *span, clock=await self._clocks.of(video))
        content = f"{key_of(video)} {rendering.name_of(moment)}"
        name = blake2b(content.encode(), digest_size=16).hexdigest() + rendering.suffix
        version = await asyncio.to_thread(video_version, video.path)
        return await files.get(name, partial(rendering.write, moment), version)


async def _unless_left(request: Request, work: Coroutine[object, object, Result]) -> Result:
    """Waits for work as long as the browser waits for the answer."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise HTTPException(CLIENT_LEFT, "the browser left")
    finally:
        working.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _placeholder(reason: str, status: int) -> Response:
    """A picture with an error status, which browsers show all the same; it is not cached."""
    return Response(placeholder(reason), status, NOT_KEPT, "image/webp")
