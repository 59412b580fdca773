"""Requests of the API for concepts: which there are, a new one, and its marks."""

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vifi_cli.api.search.hits.documents import Document
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.candidates import candidates
from vifi_cli.api.teaching.marking import mark_moment, unmark_moment
from vifi_cli.errors import InvalidInput
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.concepts.marked import found_marks
from vifi_cli.index.concepts.names import check_name
from vifi_cli.video.moment import Moment
from vifi_cli.web.json_api.answers import NOT_FOUND, concept_links, json_answer, moment_links, route
from vifi_cli.web.json_api.parameters import Parameters
from vifi_cli.web.json_api.searches import HITS, moments_found
from vifi_cli.web.location.sub_path import root_of
from vifi_cli.web.requests.address import MomentAddress, key_of, parse_moment, video_by_key
from vifi_cli.web.requests.content import content_of, parse_object
from vifi_cli.web.requests.index_reader import NO_VIDEO, ROUNDED_SECONDS, IndexReader
from vifi_cli.web.requests.progress import progress_of
from vifi_cli.web.requests.question import MOST_HITS, words_alone
from vifi_cli.web.requests.teachers import Teachers

CREATED, CONFLICT, TOO_LARGE, TOO_MANY = 201, 409, 413, 429
MOST_BYTES = 20_000
MOST_WAITING = 32  # changes, with the one in work
MOST_CONCEPTS, MOST_MARKS = 1_000, 10_000
NOT_KEPT = {"Cache-Control": "no-store"}


class Concepts:
    """Answers requests for concepts. Changes are made one after the other, in a thread that no search waits for."""

    def __init__(
        self, library: IndexReader, search: IndexReader, teaching: IndexReader, teachers: Teachers
    ) -> None:
        self._library, self._search, self._teaching, self._teachers = library, search, teaching, teachers
        self._waiting = 0

    def routes(self) -> list[Route]:
        """The addresses of concepts and of their marks."""
        return [
            route("/concepts", self.all, POST=self.add),
            route("/concepts/{name}", self.one),
            route("/concepts/{name}/candidates", self.candidates),
            route("/concepts/{name}/marks", self.marks, POST=self.mark, DELETE=self.unmark),
        ]

    async def all(self, request: Request) -> Response:
        """All concepts, by name."""
        Parameters(request, ())
        root = root_of(request.scope)

        def look(session: SearchSession) -> list[Document]:
            return [concept_document(concept, root) for concept in session.concepts.all()]

        return json_answer({"concepts": await self._library.read(look)})

    async def one(self, request: Request) -> Response:
        """One concept."""
        Parameters(request, ())
        concept = await self._library.read(lambda session: _named(session, request))
        return json_answer(concept_document(concept, root_of(request.scope)))

    async def marks(self, request: Request) -> Response:
        """The marks of a concept, as they were made, without those whose videos are not in the index."""
        Parameters(request, ())
        root = root_of(request.scope)
        listed = await self._library.read(lambda session: _marks(session, _named(session, request), root))
        return json_answer({"marks": listed})

    async def candidates(self, request: Request) -> Response:
        """The moments to mark next for a concept."""
        most = Parameters(request, ("top",)).number("top", range(1, MOST_HITS + 1), HITS)
        root = root_of(request.scope)

        def look(session: SearchSession) -> list[Document]:
            found = candidates(session, _named(session, request).name, most)
            return moments_found(session, found, root)

        return json_answer({"hits": await self._search.read(look)})

    async def add(self, request: Request) -> Response:
        """Makes a concept that words describe, and that has no marks yet."""
        given = await self._given(request, {"name": str, "description": str})
        name = check_name(given["name"])

        def make(session: SearchSession) -> Concept:
            store = session.concepts
            if known := store.find(name):
                raise HTTPException(
                    CONFLICT, f"a concept is already called {known.name}: choose another name"
                )
            if len(store.names()) >= MOST_CONCEPTS:
                raise HTTPException(TOO_MANY, f"there are {MOST_CONCEPTS:,} concepts already: delete some")
            return store.add(name, words_alone(session, given["description"]))

        return await self._changed(request, make, CREATED)

    async def mark(self, request: Request) -> Response:
        """Marks a moment as one that shows a concept, or does not."""
        given = await self._given(request, {"moment": str, "right": bool})

        def mark(session: SearchSession) -> Concept:
            name = _named(session, request).name
            if len(_named(session, request).marks) >= MOST_MARKS:
                raise HTTPException(TOO_MANY, f"@{name} has {MOST_MARKS:,} marks already, which is enough")
            return mark_moment(session, name, _moment(session, given["moment"]), is_right=given["right"])

        return await self._changed(request, mark)

    async def unmark(self, request: Request) -> Response:
        """Takes back the mark of a moment, if it has one."""
        self._teachers.require(request)
        moment = Parameters(request, ("moment",)).required("moment", "?moment=12-9f3a61c2@6-10.5")

        def unmark(session: SearchSession) -> Concept:
            return unmark_moment(session, _named(session, request).name, _moment(session, moment))

        return await self._changed(request, unmark)

    async def _given(self, request: Request, fields: dict[str, type]) -> dict[str, Any]:
        """The content of a request to change something, from a viewer who may."""
        self._teachers.require(request)
        Parameters(request, ())
        content = await content_of(request, MOST_BYTES)
        if content is None:
            raise HTTPException(TOO_LARGE, f"the content is too long: send up to {MOST_BYTES:,} bytes")
        return parse_object(content, fields)

    async def _changed(
        self, request: Request, change: Callable[[SearchSession], Concept], status: int = 200
    ) -> Response:
        """Changes a concept, and answers with it as it has been stored."""
        if self._waiting >= MOST_WAITING:
            raise HTTPException(TOO_MANY, "too many changes are waiting: try again later")
        self._waiting += 1
        try:
            concept = await self._teaching.read(change)
        finally:
            self._waiting -= 1
        return json_answer(concept_document(concept, root_of(request.scope)), status, NOT_KEPT)


def concept_document(concept: Concept, root: str) -> Document:
    """A concept, with what its marks have taught so far."""
    return {
        "name": concept.name,
        "description": concept.description,
        "right": concept.right,
        "wrong": concept.wrong,
        "is_learned": concept.learned is not None,
        "progress": progress_of(concept),
        "links": concept_links(root, concept.name),
    }


def _named(session: SearchSession, request: Request) -> Concept:
    """The concept that an address names; fails with `404 Not Found`."""
    concept = session.concepts.find(request.path_params["name"])
    if concept is None:
        raise HTTPException(NOT_FOUND, "no concept has this name: /api/concepts lists those that exist")
    return concept


def _moment(session: SearchSession, text: str) -> Moment:
    """The moment that a request names, ended where its video ends."""
    named = parse_moment(text)
    if named is None:
        raise InvalidInput("`moment` is KEY@START-END, as in the `key` of a hit")
    video = video_by_key(session.index.catalog, named.video)
    if video is None:
        raise HTTPException(NOT_FOUND, NO_VIDEO)
    last = video.duration_seconds + ROUNDED_SECONDS
    end_seconds = min(named.end_seconds, last)
    if round(named.start_seconds, 3) >= round(end_seconds, 3):
        raise InvalidInput(f"`moment` begins after this video ends, at {video.duration_seconds:.3f} seconds")
    return Moment(video.path, named.start_seconds, end_seconds)


def _marks(session: SearchSession, concept: Concept, root: str) -> list[Document]:
    listed = []
    for found in found_marks(session.index.catalog, concept.marks):
        moment = MomentAddress(key_of(found.video), found.mark.start_seconds, found.mark.end_seconds)
        listed.append({"key": str(moment), "right": found.mark.is_right, "links": moment_links(root, moment)})
    return listed
