"""Answers to requests that fail: a page for people, a line for pictures and players."""

import sqlite3

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from vifi_cli.errors import IndexMissing, VifiError
from vifi_cli.web.guard import MEDIA_PREFIX
from vifi_cli.web.pages.templating import page

NOT_FOUND, NOT_READY = 404, 503
STATUSES = (404, 405, 410, 422, 499, 507)
HEADINGS = {
    404: ("Nothing here", "There is no such page, or the video is no longer in the index."),
    405: ("Not like this", "This page only shows things, it changes nothing."),
}


def failed(request: Request, error: Exception) -> Response:
    """The answer to a request that failed, other than by a bug."""
    status, heading, text = _in_words(error)
    if request.url.path.startswith(MEDIA_PREFIX):
        return PlainTextResponse(f"{text}\n", status, {"Cache-Control": "no-store"})
    return page("failed", status, heading=heading, text=text)


def _in_words(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, HTTPException):
        heading, text = HEADINGS.get(error.status_code, (error.detail, error.detail))
        return error.status_code, heading, text
    if isinstance(error, IndexMissing):
        return NOT_FOUND, *HEADINGS[NOT_FOUND]
    if isinstance(error, VifiError):
        return NOT_READY, "Not now", str(error)
    if isinstance(error, sqlite3.Error):
        return NOT_READY, "Not now", f"The index cannot be read ({error}). Run `vifi doctor`."
    raise error
