"""Requests of the API for what is indexed: the index, its videos, one moment, and a clip of it."""

import asyncio
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vifi_cli.api.search.hits.documents import TIME_DIGITS, Document, summary_document, video_document
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.video_list import VideoPage, list_videos
from vifi_cli.index.summary import summarize
from vifi_cli.video.moment import Moment
from vifi_cli.web.guard import API_PREFIX
from vifi_cli.web.json_api.answers import NOT_FOUND, json_answer, moment_links, route, video_links
from vifi_cli.web.json_api.parameters import Parameters
from vifi_cli.web.json_api.searches import VIDEO_PARAMETERS, video_choice
from vifi_cli.web.location.sub_path import root_of
from vifi_cli.web.media.media import Media
from vifi_cli.web.media.renderings import LONGEST_CLIP_SECONDS
from vifi_cli.web.requests.address import (
    MomentAddress,
    cursor_after,
    key_of,
    parse_moment,
    path_in_cursor,
    video_by_key,
)
from vifi_cli.web.requests.index_reader import NO_VIDEO, ROUNDED_SECONDS, IndexReader

VIDEOS, MOST_VIDEOS = 100, 1000
NO_MOMENT = "this is not a moment: write KEY@START-END, with the end after the start, in seconds"
ADDRESSES = {
    "search": "search?q=WORDS",
    "similar": "similar?example=FILE@START-END",
    "status": "status",
    "videos": "videos",
    "video": "videos/KEY",
    "moments": "videos/KEY/moments?q=WORDS",
    "moment": "moments/KEY@START-END",
    "clip": "clips/KEY@START-END",
    "concepts": "concepts",
    "concept": "concepts/NAME",
    "candidates": "concepts/NAME/candidates",
    "marks": "concepts/NAME/marks",
}


class Library:
    """Answers requests for what is indexed."""

    def __init__(self, library: IndexReader, media: Media) -> None:
        self._library = library
        self._media = media

    def routes(self) -> list[Route]:
        """The addresses of the index, videos, moments and clips."""
        return [
            route("", self.overview),
            route("/", self.overview),
            route("/status", self.status),
            route("/videos", self.videos),
            route("/videos/{key}", self.video),
            route("/moments/{moment}", self.moment),
            route("/clips/{moment}", self.clip),
        ]

    async def overview(self, request: Request) -> Response:
        """The addresses of the API."""
        Parameters(request, ())
        root = root_of(request.scope) + API_PREFIX
        return json_answer({"links": {name: root + address for name, address in ADDRESSES.items()}})

    async def status(self, request: Request) -> Response:
        """What is indexed, as `vifi status --json` prints it."""
        Parameters(request, ())
        return json_answer(summary_document(await asyncio.to_thread(summarize, self._library.folder)))

    async def videos(self, request: Request) -> Response:
        """The indexed videos in the order of their paths, a page at a time."""
        given = Parameters(request, (*VIDEO_PARAMETERS, "limit", "after"))
        among, most = video_choice(given), given.number("limit", range(1, MOST_VIDEOS + 1), VIDEOS)
        place = given.text("after")
        after = None if place is None else path_in_cursor(place)
        page = await self._library.read(
            lambda session: list_videos(session.index.catalog, among, most, after)
        )
        root = root_of(request.scope)
        listed = [_video(video, root) for video in page.videos]
        return json_answer({"total": page.total, "videos": listed, "next": _next_page(request, page, root)})

    async def video(self, request: Request) -> Response:
        """One video."""
        Parameters(request, ())
        return json_answer(_video(await self._library.video(request), root_of(request.scope)))

    async def moment(self, request: Request) -> Response:
        """A moment of a video, within its length."""
        Parameters(request, ())
        video, moment = await self._named_moment(request)
        root = root_of(request.scope)
        return json_answer(
            {
                "path": str(video.path),
                "start_seconds": round(moment.start_seconds, TIME_DIGITS),
                "end_seconds": round(moment.end_seconds, TIME_DIGITS),
                "key": str(moment),
                "video": _video(video, root),
                "links": moment_links(root, moment),
            }
        )

    async def clip(self, request: Request) -> Response:
        """A moment as an MP4 of its own, as `vifi cut` writes it."""
        Parameters(request, ())
        video, moment = await self._named_moment(request)
        if moment.end_seconds - moment.start_seconds > LONGEST_CLIP_SECONDS:
            raise InvalidInput(
                f"a clip lasts at most {LONGEST_CLIP_SECONDS} seconds here: use `vifi cut` for longer ones"
            )
        wanted = Moment(video.path, moment.start_seconds, moment.end_seconds)
        return await self._media.clip(request, wanted, video)

    async def _named_moment(self, request: Request) -> tuple[CatalogedVideo, MomentAddress]:
        """The moment that an address names, ended where its video ends; fails with `404 Not Found`."""
        text = request.path_params["moment"]
        named = parse_moment(text)
        if named is None:
            raise HTTPException(NOT_FOUND, NO_MOMENT)
        video = await self._library.read(lambda session: video_by_key(session.index.catalog, named.video))
        if video is None:
            raise HTTPException(NOT_FOUND, NO_VIDEO)
        last = video.duration_seconds + ROUNDED_SECONDS
        if named.start_seconds >= last:
            raise HTTPException(NOT_FOUND, f"this video ends after {video.duration_seconds:.3f} seconds")
        return video, MomentAddress(named.video, named.start_seconds, min(named.end_seconds, last))


def _video(video: CatalogedVideo, root: str) -> Document:
    key = key_of(video)
    return video_document(video) | {"key": str(key), "links": video_links(root, key)}


def _next_page(request: Request, page: VideoPage, root: str) -> str | None:
    """The address of the next page; None after the last one."""
    if page.next_after is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return f"{root}{API_PREFIX}videos?{urlencode([*kept, ('after', cursor_after(page.next_after))])}"
