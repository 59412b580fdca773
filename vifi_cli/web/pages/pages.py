"""The pages: the search with its hits, and one moment by itself. They work without a script, too."""

import asyncio
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vifi_cli.errors import IndexMissing, InvalidInput, VifiError
from vifi_cli.index.catalog.lock import running_writer
from vifi_cli.web.library.index_reader import IndexReader
from vifi_cli.web.library.index_state import progress_text, state_of, state_text
from vifi_cli.web.library.lookup import Lookup
from vifi_cli.web.library.presence import why_out_of_reach
from vifi_cli.web.library.question import Question, parse_question
from vifi_cli.web.library.searching import Hit, Searcher
from vifi_cli.web.media.sources import Sources
from vifi_cli.web.pages.cards import card_of
from vifi_cli.web.pages.search_view import SearchView, view_of
from vifi_cli.web.pages.templating import PAGE_HEADERS, page

OK, BAD_REQUEST, NOT_READY = 200, 400, 503


class Pages:
    """Answers requests for pages; two threads read the index, so that a search does not hold up the rest."""

    def __init__(
        self, library: IndexReader, search: IndexReader, searcher: Searcher, sources: Sources
    ) -> None:
        self._library = library
        self._search = search
        self._searcher = searcher
        self._sources = sources
        self._lookup = Lookup(library)

    def routes(self) -> list[Route]:
        """Where the pages are found."""
        return [
            Route("/", self.search),
            Route("/play/{key}", self.play),
            Route("/progress", self.progress),
        ]

    async def search(self, request: Request) -> Response:
        """The search: its form, and the hits if something is asked; else the newest videos."""
        question, status, problem = Question(), OK, ""
        try:
            question = parse_question(request.query_params)
        except InvalidInput as error:
            status, problem = BAD_REQUEST, str(error)
        try:
            view = await self._library.read(lambda index: view_of(index, question))
        except IndexMissing:
            running = progress_text(await asyncio.to_thread(running_writer, self._library.folder))
            return page("search", view=SearchView(question, running=running, nothing_indexed=True))
        hits: list[Hit] = []
        if question.is_asked:
            try:
                hits = await self._search.read(lambda index: self._searcher.search(index, question))
            except VifiError as error:
                status, problem = BAD_REQUEST if isinstance(error, InvalidInput) else NOT_READY, str(error)
            view = replace(
                view,
                cards=[card_of(hit, question) for hit in hits],
                nothing_relevant=bool(hits) and not any(hit.is_relevant for hit in hits),
            )
        return page("search", status, view=replace(view, problem=problem))

    async def play(self, request: Request) -> Response:
        """One moment by itself."""
        video = await self._lookup.video(request)
        start_seconds, end_seconds = self._lookup.span(request, video)
        problem = await asyncio.to_thread(why_out_of_reach, video.path)
        found = [] if problem else await self._sources.of_moment(video, start_seconds, end_seconds)
        card = card_of(Hit(video, start_seconds, end_seconds, 0.0))
        return page("play", card=card, video=video, sources=found, problem=problem)

    async def progress(self, request: Request) -> Response:
        """What is known of the index, and of a run that brings it up to date, as JSON."""
        try:
            state = await self._library.read(state_of)
        except IndexMissing:
            running = progress_text(await asyncio.to_thread(running_writer, self._library.folder))
            return JSONResponse({"state": "", "running": running, "videos": 0}, headers=PAGE_HEADERS)
        return JSONResponse(
            {"state": state_text(state), "running": progress_text(state.writer), "videos": state.videos},
            headers=PAGE_HEADERS,
        )
