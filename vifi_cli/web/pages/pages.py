"""The pages: the search with its hits, and one moment alone. They also work without scripts."""

import asyncio
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import IndexMissing, InvalidInput, VifiError
from vifi_cli.index.catalog.lock import running_writer
from vifi_cli.web.media.playback import Sources
from vifi_cli.web.pages.cards import Cards
from vifi_cli.web.pages.search_view import (
    SearchView,
    progress_text,
    state_text,
    view_of,
    with_hits,
    with_teaching,
)
from vifi_cli.web.pages.templating import PAGE_HEADERS, page
from vifi_cli.web.requests.index_reader import IndexReader, span_of, why_out_of_reach
from vifi_cli.web.requests.question import Question, parse_question
from vifi_cli.web.requests.teachers import Teachers

OK, BAD_REQUEST, FORBIDDEN, NOT_READY = 200, 400, 403, 503


class Pages:
    """Answers requests for pages; two threads read the index, so that a search does not hold up the rest."""

    def __init__(
        self, library: IndexReader, search: IndexReader, sources: Sources, teachers: Teachers
    ) -> None:
        self._library = library
        self._search = search
        self._sources = sources
        self._teachers = teachers

    def routes(self) -> list[Route]:
        """The addresses of the pages."""
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
            view = await self._library.read(lambda session: view_of(session, question))
        except IndexMissing:
            running = progress_text(await asyncio.to_thread(running_writer, self._library.folder))
            return page(request, "search", view=SearchView(question, running=running, nothing_indexed=True))
        obstacle = self._teachers.obstacle(request)
        if obstacle and question.asks_what_to_mark:
            status, problem = FORBIDDEN, obstacle
        elif question.is_asked:
            if obstacle and question.teach:
                view = replace(view, notice=obstacle)
            try:
                if not obstacle:
                    view = await self._search.read(lambda session: with_teaching(session, view))
                view = await self._search.read(lambda session: with_hits(session, view))
            except VifiError as error:
                status, problem = BAD_REQUEST if isinstance(error, InvalidInput) else NOT_READY, str(error)
        return page(request, "search", status, view=replace(view, problem=problem))

    async def play(self, request: Request) -> Response:
        """One moment alone."""
        video = await self._library.video(request)
        start_seconds, end_seconds = span_of(request, video)
        problem = await asyncio.to_thread(why_out_of_reach, video.path)
        found = [] if problem else await self._sources.of_moment(video, start_seconds, end_seconds)
        card = await self._library.read(
            lambda session: Cards(session.index.catalog).of_moment(video, start_seconds, end_seconds)
        )
        return page(request, "play", card=card, video=video, sources=found, problem=problem)

    async def progress(self, request: Request) -> Response:
        """The state of the index and of a run that updates it, as JSON."""
        running = progress_text(await asyncio.to_thread(running_writer, self._library.folder))
        try:
            state, videos = await self._library.read(_state_of)
        except IndexMissing:
            state, videos = "", 0
        return JSONResponse({"state": state, "running": running, "videos": videos}, headers=PAGE_HEADERS)


def _state_of(session: SearchSession) -> tuple[str, int]:
    catalog = session.index.catalog
    return state_text(catalog), catalog.totals().videos
