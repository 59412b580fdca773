"""Assembles the server's application: pages, media, static files, and the guard around all of them."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import InvalidInput, VifiError
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.processors import usable_processors
from vifi_cli.web.cuts.cuts import Cuts
from vifi_cli.web.guard import API_PREFIX, Guard
from vifi_cli.web.json_api import answers
from vifi_cli.web.json_api.concepts import Concepts
from vifi_cli.web.json_api.library import Library
from vifi_cli.web.json_api.searches import Searches
from vifi_cli.web.location.hosts import Hosts
from vifi_cli.web.location.sub_path import SubPath, path_inside
from vifi_cli.web.media.clocks import Clocks
from vifi_cli.web.media.file_cache import MadeFiles
from vifi_cli.web.media.media import Media
from vifi_cli.web.media.playback import Sources
from vifi_cli.web.media.render_processes import Renderers
from vifi_cli.web.media.sent_file import SentStaticFiles
from vifi_cli.web.pages import templating
from vifi_cli.web.pages.opening import Opening
from vifi_cli.web.pages.pages import Pages
from vifi_cli.web.pages.templating import STATUSES
from vifi_cli.web.requests.index_reader import IndexReader
from vifi_cli.web.requests.teachers import Teachers

MEGABYTE = 10**6
OWN_HOSTS = Hosts()
LOOK_STALL_SECONDS, STALL_SECONDS = 20.0, 60.0


def make_app(
    index_folder: Path,
    cache_folder: Path,
    load_encoder: Callable[[IndexedWith], TextEncoder],
    *,
    hosts: Hosts = OWN_HOSTS,
    root_path: str = "",
    everyone_teaches: bool = False,
) -> ASGIApp:
    """The application for one index, which may not exist yet.

    `cache_folder` holds pictures, re-encoded moments and embeddings of queries; `hosts` are the names under which it
    answers. `root_path` is where the page is found behind a proxy, such as `/vifi`. Only who sits at this machine
    can teach concepts, unless `everyone_teaches`.

    Raises:
        InvalidInput: a path of the page itself begins like `root_path`.
    """
    library, searching, taught = (
        IndexReader(
            SearchSession(
                index_folder,
                AUTOMATIC,
                cache_folder=cache_folder,
                load_text_encoder=lambda indexed_with, *_: load_encoder(indexed_with),
                opens_files=False,
            )
        )
        for _ in range(3)
    )
    lookers, painters, encoders, cutters = (
        Renderers(1, LOOK_STALL_SECONDS),
        Renderers(max(1, usable_processors() // 2), STALL_SECONDS),
        Renderers(1, STALL_SECONDS),
        Renderers(1, STALL_SECONDS),  # a long clip for a program must not hold up who watches
    )
    clocks = Clocks(library, lookers)
    sources = Sources(lookers, clocks)
    pictures = MadeFiles(cache_folder / "pictures", painters, most_files=10_000, most_bytes=1000 * MEGABYTE)
    moments = MadeFiles(cache_folder / "moments", encoders, most_files=200, most_bytes=2000 * MEGABYTE)
    clips = MadeFiles(cache_folder / "clips", cutters, most_files=50, most_bytes=1000 * MEGABYTE)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        warming_up = asyncio.create_task(_warm_up(searching))
        yield
        warming_up.cancel()
        for opened in (library, searching, taught, lookers, painters, encoders, cutters, cuts):
            opened.close()

    cuts = Cuts(library, cache_folder / "cuts")
    teachers = Teachers(index_folder, everyone_teaches)
    pages = Pages(library, searching, sources, teachers)
    media = Media(library, sources, clocks, pictures, moments, clips)
    static = Mount("/static", SentStaticFiles(packages=[("vifi_cli.web", "static")]))
    in_json = [
        *Searches(searching, library).routes(),
        *Library(library, media).routes(),
        *Concepts(library, searching, taught, teachers).routes(),
    ]
    app = Starlette(
        routes=[
            *in_json,
            *pages.routes(),
            *media.routes(),
            *Opening(library).routes(),
            *cuts.routes(),
            static,
        ],
        exception_handlers=dict.fromkeys((*STATUSES, *answers.STATUSES, VifiError, sqlite3.Error), _failed),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # redirects name the scheme and host that a proxy has replaced
    _require_other_path(root_path, app.routes)
    return SubPath(Guard(app, hosts), root_path)


def _failed(request: Request, error: Exception) -> Response:
    """The answer to a request that failed: JSON for programs, and a page for people."""
    is_for_program = path_inside(request.scope).startswith(API_PREFIX)
    return (answers.failed if is_for_program else templating.failed)(request, error)


def _require_other_path(root_path: str, routes: Sequence[BaseRoute]) -> None:
    """Refuses a path for the page that a proxy may or may not have removed from an address of the page."""
    own = {route.path.split("/")[1] for route in routes if isinstance(route, Mount | Route)} - {""}
    if root_path and root_path.split("/")[1] in own:
        raise InvalidInput(
            f"--root-path {root_path}: the page has addresses that begin so: choose another, such as /vifi"
        )


async def _warm_up(searching: IndexReader) -> None:
    """Loads everything that searches need; whoever searches later sees the error that is ignored here."""
    with suppress(VifiError, sqlite3.Error, OSError):
        await searching.read(lambda session: session.warm_up())
