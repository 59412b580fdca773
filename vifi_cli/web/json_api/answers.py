"""Answers of the API: JSON documents, and problems in one line."""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vifi_cli.api.search.hits.documents import Document
from vifi_cli.errors import InvalidInput, VifiError, unreadable_index
from vifi_cli.web.guard import API_PREFIX
from vifi_cli.web.requests.address import MomentAddress, VideoKey

NO_CONTENT, BAD_REQUEST, NOT_FOUND, NOT_ALLOWED, NOT_READY = 204, 400, 404, 405, 503
METHODS = "GET, HEAD, OPTIONS"
HEADERS = {"Cache-Control": "private, no-cache"}
USUAL_PROBLEMS = {
    NOT_FOUND: f"there is nothing at this address: {API_PREFIX} lists those that exist",
    NOT_ALLOWED: f"the API changes nothing: use {METHODS}",
    410: "the file is not where it was indexed: is its disk plugged in?",
}

Handler = Callable[[Request], Awaitable[Response]]


def route(path: str, handler: Handler) -> Route:
    """An address of the API, which also answers OPTIONS, and HEAD as GET without content."""

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=NO_CONTENT, headers={"Allow": METHODS})
        return await handler(request)

    return Route(API_PREFIX.rstrip("/") + path, answer, methods=["GET", "OPTIONS"])


def json_answer(document: Document, status: int = 200, headers: Mapping[str, str] = HEADERS) -> Response:
    """A document; like `--json`, it can hold file names that are not text, as escapes."""
    content = json.dumps(document, indent=2) + "\n"
    return Response(content, status, headers, "application/json")


def failed(_: Request, error: Exception) -> Response:
    """The answer to a request that failed, other than by a bug."""
    if isinstance(error, HTTPException):
        usual = {"Not Found", "Method Not Allowed", "Gone"}
        problem = USUAL_PROBLEMS.get(error.status_code, "") if error.detail in usual else error.detail
        headers = {"Allow": METHODS} if error.status_code == NOT_ALLOWED else {}
        return json_answer({"error": problem or error.detail}, error.status_code, HEADERS | headers)
    if isinstance(error, VifiError):
        return json_answer(
            {"error": str(error)}, BAD_REQUEST if isinstance(error, InvalidInput) else NOT_READY
        )
    if isinstance(error, sqlite3.Error):
        return json_answer({"error": unreadable_index(error)}, NOT_READY)
    raise error


def video_links(root: str, key: VideoKey) -> Document:
    """The addresses at which a video is described and searched; `root` begins them."""
    return {"self": f"{root}{API_PREFIX}videos/{key}", "moments": f"{root}{API_PREFIX}videos/{key}/moments"}


def moment_links(root: str, moment: MomentAddress) -> Document:
    """The addresses at which a moment is described, cut, played and seen."""
    span = urlencode({"start": f"{moment.start_seconds:.3f}", "end": f"{moment.end_seconds:.3f}"})
    return {
        "self": f"{root}{API_PREFIX}moments/{moment}",
        "similar": f"{root}{API_PREFIX}similar?{urlencode({'example': str(moment)}, safe='@')}",
        "clip": f"{root}{API_PREFIX}clips/{moment}",
        "page": f"{root}/play/{moment.video}?{span}",
        "still": f"{root}/video/{moment.video}/still?{span}",
        "preview": f"{root}/video/{moment.video}/preview?{span}",
    }
