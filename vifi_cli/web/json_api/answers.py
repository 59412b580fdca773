"""Answers of the API: JSON documents, and problems in one line."""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vifi_cli.api.search.hits.documents import Document
from vifi_cli.errors import InvalidInput, VifiError, unreadable_index
from vifi_cli.web.guard import API_PREFIX
from vifi_cli.web.requests.address import MomentAddress, VideoKey

NO_CONTENT, BAD_REQUEST, NOT_FOUND, NOT_ALLOWED, NOT_READY = 204, 400, 404, 405, 503
METHODS = ("GET", "HEAD", "OPTIONS")
STATUSES = (403, 409, 413, 429)
"""Of the failures that only addresses have at which something is changed."""
HEADERS = {"Cache-Control": "private, no-cache"}
USUAL_PROBLEMS = {
    NOT_FOUND: f"there is nothing at this address: {API_PREFIX} lists those that exist",
    410: "the file is not where it was indexed: is its disk plugged in?",
}

Handler = Callable[[Request], Awaitable[Response]]


def route(path: str, handler: Handler, **changing: Handler) -> Route:
    """An address of the API, which also answers OPTIONS, and HEAD as GET without content.

    `changing` names methods that change something, such as `POST`, with their own handlers.
    """

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=NO_CONTENT, headers={"Allow": ", ".join((*METHODS, *changing))})
        return await changing.get(request.method, handler)(request)

    return Route(API_PREFIX.rstrip("/") + path, answer, methods=["GET", "OPTIONS", *changing])


def json_answer(document: Document, status: int = 200, headers: Mapping[str, str] = HEADERS) -> Response:
    """A document; like `--json`, it can hold file names that are not text, as escapes."""
    content = json.dumps(document, indent=2) + "\n"
    return Response(content, status, headers, "application/json")


def failed(_: Request, error: Exception) -> Response:
    """The answer to a request that failed, other than by a bug."""
    if isinstance(error, HTTPException) and error.status_code == NOT_ALLOWED:
        return _not_allowed(error)
    if isinstance(error, HTTPException):
        usual = {"Not Found", "Gone"}
        problem = USUAL_PROBLEMS.get(error.status_code, "") if error.detail in usual else error.detail
        return json_answer({"error": problem or error.detail}, error.status_code)
    if isinstance(error, VifiError):
        return json_answer(
            {"error": str(error)}, BAD_REQUEST if isinstance(error, InvalidInput) else NOT_READY
        )
    if isinstance(error, sqlite3.Error):
        return json_answer({"error": unreadable_index(error)}, NOT_READY)
    raise error


def _not_allowed(error: HTTPException) -> Response:
    """The answer to a method that an address does not have."""
    answered = (error.headers or {})["Allow"].split(", ")
    changing = sorted(set(answered).difference(METHODS), reverse=True)
    methods = ", ".join((*METHODS, *changing))
    problem = f"use one of {methods} here" if changing else f"this address changes nothing: use {methods}"
    return json_answer({"error": problem}, NOT_ALLOWED, HEADERS | {"Allow": methods})


def video_links(root: str, key: VideoKey) -> Document:
    """The addresses at which a video is described and searched; `root` begins them."""
    return {"self": f"{root}{API_PREFIX}videos/{key}", "moments": f"{root}{API_PREFIX}videos/{key}/moments"}


def concept_links(root: str, name: str) -> Document:
    """The addresses at which a concept is described, marked and searched for."""
    place = f"{root}{API_PREFIX}concepts/{quote(name)}"
    asked = urlencode({"q": f"@{name}"})
    return {
        "self": place,
        "marks": f"{place}/marks",
        "candidates": f"{place}/candidates",
        "search": f"{root}{API_PREFIX}search?{asked}",
        "page": f"{root}/?{asked}",
    }


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
