"""Requests for downloads of moments: an order, answered by its progress, and the file that was made."""

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from vifi_cli import paths
from vifi_cli.api.search.session import SearchSession
from vifi_cli.disk.replacement import temporary_folder
from vifi_cli.errors import InvalidInput, VifiError
from vifi_cli.video.moment import Moment
from vifi_cli.web.cuts.cutting import Cutting, MadeCut, NotWanted
from vifi_cli.web.cuts.order import MOST_CUT, MOST_LISTED, Order, check_bounds, parse_order
from vifi_cli.web.guard import require_own_script
from vifi_cli.web.location.sub_path import root_of
from vifi_cli.web.media.render_processes import BackgroundWorker
from vifi_cli.web.media.sent_file import SentFile
from vifi_cli.web.requests.address import video_by_key
from vifi_cli.web.requests.content import content_of
from vifi_cli.web.requests.index_reader import IndexReader, why_out_of_reach
from vifi_cli.wording import counted, size

NOT_FOUND, BAD_REQUEST, TOO_LARGE = 404, 400, 413
MOST_ORDER_BYTES = 200_000
TOO_MANY = f"these moments are too many for one file: select up to {MOST_CUT}, or {MOST_LISTED:,} for a list"
MOST_WAITING = 8  # orders, with the one in work
MOST_KEPT, MOST_KEPT_BYTES = 10, 4 * 10**9
LONGEST_WORK_SECONDS, STALL_SECONDS = 3600.0, 60.0
TICK_SECONDS = 0.25  # between two looks at the progress, and whether the viewer is still there
NOT_KEPT = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Asks nginx, and proxies that follow it, to pass on the progress as it comes."""


@dataclass(frozen=True, slots=True)
class FoundMoments:
    """The moments of an order as they are cut, and how many are not in the index any more."""

    moments: tuple[Moment, ...]
    missing: int


class Cuts:
    """Cuts moments for viewers, one order at a time, and keeps the last files until the server ends."""

    def __init__(self, library: IndexReader, folder: Path) -> None:
        """Files go to a folder beside `folder`, which is made at the first order."""
        self._library = library
        self._folder = folder
        self._at_end = ExitStack()
        self._worker = self._at_end.enter_context(BackgroundWorker(STALL_SECONDS))
        self._work: Path | None = None
        self._turns = asyncio.Semaphore(1)
        self._waiting = 0
        self._in_work: set[asyncio.Task[tuple[str, MadeCut]]] = set()
        self._made: OrderedDict[str, MadeCut] = OrderedDict()

    def close(self) -> None:
        """Removes all files; those of a killed server go when the next one gets its first order."""
        self._at_end.close()

    def routes(self) -> list[Route]:
        """The addresses of orders and of their files."""
        return [Route("/cut", self.order, methods=["POST"]), Route("/cut/{name}", self.file)]

    async def order(self, request: Request) -> Response:
        """Makes a file, and answers with lines of JSON: its progress, and at last its address or the problem."""
        require_own_script(request)
        content = await content_of(request, MOST_ORDER_BYTES)
        if content is None:
            return JSONResponse({"problem": TOO_MANY}, TOO_LARGE, NOT_KEPT)
        try:
            order = parse_order(content)
        except InvalidInput as error:
            return JSONResponse({"problem": str(error)}, BAD_REQUEST, NOT_KEPT)
        found = await self._library.read(lambda session: _moments(session, order))
        moments, unreachable = await asyncio.to_thread(_reachable, found.moments)
        try:
            check_bounds(order, moments)
        except VifiError as error:
            return _refused(str(error))
        if not moments:
            return _refused(unreachable[0] if unreachable else "these moments are not in the index any more")
        if self._waiting >= MOST_WAITING:
            return _refused("too many downloads are waiting: try again later")
        if found.missing:
            unreachable = (*unreachable, f"{counted(found.missing, 'moment')} not in the index any more")
        cutting = Cutting(order.kind, order.title, moments, self._worker)
        work = self._progress(request, cutting, unreachable)
        return StreamingResponse(work, media_type="application/x-ndjson", headers=NOT_KEPT | UNBUFFERED)

    async def file(self, request: Request) -> Response:
        """A file that was made, as a download."""
        made = self._made.get(request.path_params["name"])
        if made is None or not made.path.exists():
            raise HTTPException(NOT_FOUND)
        return SentFile(made.path, headers=NOT_KEPT, filename=made.path.name)

    async def _progress(
        self, request: Request, cutting: Cutting, left_out: tuple[str, ...]
    ) -> AsyncIterator[str]:
        work = asyncio.create_task(self._make(cutting))
        self._in_work.add(work)
        work.add_done_callback(self._forget)
        try:
            async with asyncio.timeout(LONGEST_WORK_SECONDS):
                while not (await asyncio.wait({work}, timeout=TICK_SECONDS))[0]:
                    if await request.is_disconnected():
                        return
                    yield _line(what=cutting.what, share=round(cutting.share, 4))
            yield self._outcome(request, work, left_out)
        except TimeoutError:
            yield _line(problem="this took too long: select less, or use `vifi cut`")
        finally:
            cutting.stop()
            # its turn, once begun, ends when its thread does, which shares the worker with the next
            if not cutting.has_begun:
                work.cancel()

    async def _make(self, cutting: Cutting) -> tuple[str, MadeCut]:
        if self._work is None:
            paths.make_own_folder(self._folder.parent)
            self._work = self._at_end.enter_context(temporary_folder(self._folder))
        name = secrets.token_urlsafe(16)
        self._waiting += 1
        try:
            async with self._turns:
                cutting.begin()
                made = await asyncio.to_thread(cutting.make, self._work / name)
        finally:
            self._waiting -= 1
        self._made[name] = made
        await asyncio.to_thread(self._keep_bounds)
        return name, made

    def _outcome(
        self, request: Request, work: asyncio.Task[tuple[str, MadeCut]], left_out: tuple[str, ...]
    ) -> str:
        try:
            name, made = work.result()
        except (VifiError, NotWanted) as error:
            return _line(problem=str(error) or "it was stopped")
        except OSError as error:
            return _line(problem=f"the file cannot be written: {error.strerror or 'no reason given'}")
        made = replace(made, left_out=(*left_out, *made.left_out))
        return _line(
            file=f"{root_of(request.scope)}/cut/{name}",
            name=made.path.name,
            size=size(made.path.stat().st_size),
            left_out=made.left_out,
            remarks=made.remarks,
        )

    def _forget(self, work: asyncio.Task[tuple[str, MadeCut]]) -> None:
        self._in_work.discard(work)
        if not work.cancelled():
            work.exception()  # nobody may be left to see it

    def _keep_bounds(self) -> None:
        """Removes the oldest files until the others fit; the newest stays, whatever its size."""
        sizes = {name: made.path.stat().st_size for name, made in self._made.items() if made.path.exists()}
        total = sum(sizes.values())
        for name in list(self._made)[:-1]:
            if len(self._made) <= MOST_KEPT and total <= MOST_KEPT_BYTES:
                return
            self._made.pop(name).path.unlink(missing_ok=True)
            total -= sizes.get(name, 0)


def _refused(reason: str) -> JSONResponse:
    """The answer where nothing is made; not an error of HTTP, which browsers would log."""
    return JSONResponse({"problem": reason}, headers=NOT_KEPT)


def _moments(session: SearchSession, order: Order) -> FoundMoments:
    """The moments of an order, each within its video."""
    catalog, found = session.index.catalog, list[Moment]()
    for one in order.moments:
        video = video_by_key(catalog, one.video)
        if video is not None and one.start_seconds < video.duration_seconds:
            end = min(one.end_seconds, video.duration_seconds)
            found.append(Moment(video.path, one.start_seconds, end))
    return FoundMoments(tuple(found), len(order.moments) - len(found))


def _reachable(moments: tuple[Moment, ...]) -> tuple[tuple[Moment, ...], tuple[str, ...]]:
    """The moments whose files can be opened, and why others cannot."""
    reasons = {path: why_out_of_reach(path) for path in {one.path for one in moments}}
    there = tuple(one for one in moments if reasons[one.path] is None)
    return there, tuple(f"{path.name}: {reason}" for path, reason in reasons.items() if reason)


def _line(**values: object) -> str:
    return f"{json.dumps(values)}\n"
