"""Requests of the API for hits: of words, of an example, and of one video."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vifi_cli.api.search.hits.documents import Document, answer_document, named_hits
from vifi_cli.api.search.query_language import parse_example, within
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.search.video_choice import VideoChoice, video_filter
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.search.examples import SeenExample
from vifi_cli.index.search.query import Example
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.threshold import shown_among
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.web.json_api.answers import json_answer, moment_links, route
from vifi_cli.web.json_api.parameters import HitUnit, Parameters
from vifi_cli.web.location.sub_path import root_of
from vifi_cli.web.requests.address import MomentAddress, key_of, parse_key, parse_moment, video_by_key
from vifi_cli.web.requests.index_reader import IndexReader
from vifi_cli.web.requests.named_values import check_hit_unit
from vifi_cli.web.requests.question import MOST_HITS, query_of, seen_moment

HITS, HITS_PER_VIDEO = 10, 3
UNITS: Sequence[HitUnit] = ("moment", "video")
VIDEO_PARAMETERS = ("path", "newer", "older", "min_duration", "max_duration")
HIT_PARAMETERS = ("top", "min_score", "unsure", "dedupe")
SEARCH_PARAMETERS = (*HIT_PARAMETERS, "by", "per_video", *VIDEO_PARAMETERS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which hits are wanted."""

    options: RankingOptions
    min_score: float | None
    unsure: bool

    def shown(self, found: Sequence[SearchHit]) -> list[SearchHit]:
        """The hits to send."""
        return shown_among(found, self.min_score, with_unsure=self.unsure)


class Searches:
    """Answers requests for hits."""

    def __init__(self, search: IndexReader, library: IndexReader) -> None:
        self._search = search
        self._library = library

    def routes(self) -> list[Route]:
        """The addresses of searches."""
        return [
            route("/search", self.search),
            route("/similar", self.similar),
            route("/videos/{key}/moments", self.moments_of_video),
        ]

    async def search(self, request: Request) -> Response:
        """Moments or videos that match a description."""
        given = Parameters(request, ("q", *SEARCH_PARAMETERS, "within"))
        words, wanted = given.required("q", "/api/search?q=a+dog"), wanted_hits(given, video_choice(given))
        length = given.text("within")
        root = root_of(request.scope)
        return json_answer(
            await self._search.read(lambda session: _answer(session, words, length, wanted, root))
        )

    async def similar(self, request: Request) -> Response:
        """Moments or videos that look like an indexed moment or video."""
        given = Parameters(request, ("example", *SEARCH_PARAMETERS))
        example = given.required("example", "/api/similar?example=clip.mp4@1:20-1:28")
        wanted, root = wanted_hits(given, video_choice(given)), root_of(request.scope)

        def look(session: SearchSession) -> Document:
            found = session.find_like(_seen(session, example), wanted.options)
            return _document(session, example, wanted.shown(found), root)

        return json_answer(await self._search.read(look))

    async def moments_of_video(self, request: Request) -> Response:
        """Moments of one video that match a description."""
        video = await self._library.video(request)
        given = Parameters(request, ("q", *HIT_PARAMETERS, "within"))
        words = given.required("q", f"/api/videos/{key_of(video)}/moments?q=a+dog")
        wanted = wanted_hits(given, VideoFilter(path_pattern=str(video.path)), per_video=0)
        root, length = root_of(request.scope), given.text("within")

        def look(session: SearchSession) -> Document:
            document = _answer(session, words, length, wanted, root)
            hits = [hit for hit in document["hits"] if hit["path"] == str(video.path)]
            return document | {"hits": hits}

        return json_answer(await self._search.read(look))


def video_choice(given: Parameters) -> VideoFilter:
    """The videos that parameters ask for."""
    return video_filter(VideoChoice(**{name: given.text(name) for name in VIDEO_PARAMETERS}), "`{}`".format)


def wanted_hits(given: Parameters, among: VideoFilter, per_video: int | None = None) -> Wanted:
    """The hits that parameters ask for; `per_video` limits them where it is not a parameter."""
    by = given.choice("by", UNITS)
    check_hit_unit(by, gives_per_video=given.text("per_video") is not None)
    if per_video is None:
        per_video = given.number("per_video", range(MOST_HITS + 1), HITS_PER_VIDEO)
    options = RankingOptions(
        top=given.number("top", range(1, MOST_HITS + 1), HITS),
        by=by,
        per_video=per_video,
        among=among,
        fold_duplicates=given.flag("dedupe"),
    )
    return Wanted(options, given.fraction("min_score"), given.flag("unsure"))


def _answer(session: SearchSession, words: str, length: str | None, wanted: Wanted, root: str) -> Document:
    query = within(query_of(session, words), length, "`within`")
    found = session.find(query, wanted.options)
    return _document(session, query.text, wanted.shown(found), root)


def _seen(session: SearchSession, example: str) -> SeenExample:
    """The indexed moment or video that an example names, by its key or its path."""
    if moment := parse_moment(example):
        return seen_moment(session.index.catalog, moment)
    if key := parse_key(example):
        video = video_by_key(session.index.catalog, key)
        if video is None:
            raise InvalidInput(f"{example} is not in the index any more: search for it again")
        return session.see(Example(video.path))
    return session.see(parse_example(example, session.files))


def moments_found(session: SearchSession, hits: Sequence[SearchHit], root: str) -> list[Document]:
    """Hits with their keys and links."""

    def names(hit: SearchHit, video: CatalogedVideo) -> Document:
        moment = MomentAddress(key_of(video), hit.start_seconds, hit.end_seconds)
        return {"key": str(moment), "links": moment_links(root, moment)}

    return named_hits(session.index.catalog, hits, names)


def _document(session: SearchSession, query: str, hits: Sequence[SearchHit], root: str) -> Document:
    return answer_document(query, session.reader(), moments_found(session, hits, root))
