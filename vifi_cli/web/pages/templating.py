"""Fills the page templates, escaping every value; also answers requests that fail: a page, or a line for players."""

import sqlite3
from importlib.util import find_spec

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from vifi_cli.errors import IndexMissing, VifiError, unreadable_index
from vifi_cli.video.edit_lists.edit_list import OTIO
from vifi_cli.web.guard import MEDIA_PREFIX, is_local_viewer
from vifi_cli.web.location.sub_path import path_inside, root_of
from vifi_cli.web.requests.question import MOST_LETTERS, usual_top
from vifi_cli.wording import LEGENDS, clock, counted, size

PAGE_HEADERS = {"Cache-Control": "private, no-cache"}
NOT_FOUND, NOT_READY = 404, 503
LIST_FORMATS = [
    (suffix, name)
    for suffix, name in (
        (".m3u8", "M3U playlist (VLC)"),
        (".edl", "EDL (any editor)"),
        (".otio", "OpenTimelineIO"),
        (".csv", "CSV table"),
        (".json", "JSON (vifi cut -)"),
    )
    if suffix != OTIO or find_spec("opentimelineio")
]
STATUSES = (404, 405, 410, 422, 499, 507)
HEADINGS = {
    404: ("Nothing here", "There is no such page, or the video is no longer in the index."),
    405: ("Not like this", "This page only shows things, it changes nothing."),
}


def length(seconds: float) -> str:
    """How long all videos are together: `40 seconds`, `12 minutes`, `45 hours`."""
    for unit, unit_seconds in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * unit_seconds:
            return counted(round(seconds / unit_seconds), unit)
    return counted(round(seconds), "second")


def shown(text: str) -> str:
    """Text that can be written as UTF-8 and seen: other bytes of a name, and invisible characters, become a mark."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


_templates = Environment(
    loader=PackageLoader("vifi_cli.web"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_templates.globals |= {
    "most_letters": MOST_LETTERS,
    "list_formats": LIST_FORMATS,
    "usual_top": usual_top,
    "legends": LEGENDS,
}
_templates.filters |= {"shown": shown, "clock": clock, "size": size}


def page(request: Request, name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Fills a template with values.

    It also gets `root`, which begins every address on the page, and `is_local`: whether a player can be offered.
    """
    template = _templates.get_template(f"{name}.html.jinja")
    own = {"root": root_of(request.scope), "is_local": is_local_viewer(request)}
    return HTMLResponse(template.render(values | own), status, PAGE_HEADERS)


def failed(request: Request, error: Exception) -> Response:
    """The answer to a request that failed, other than by a bug."""
    status, heading, text = _in_words(error)
    answer: Response
    if path_inside(request.scope).startswith(MEDIA_PREFIX):
        answer = PlainTextResponse(f"{text}\n", status, {"Cache-Control": "no-store"})
    else:
        answer = page(request, "failed", status, heading=heading, text=text)
    answer.headers.update(getattr(error, "headers", None) or {})  # such as the methods that are allowed
    return answer


def _in_words(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, HTTPException):
        heading, text = HEADINGS.get(error.status_code, (error.detail, error.detail))
        return error.status_code, heading, text
    if isinstance(error, IndexMissing):
        return NOT_FOUND, *HEADINGS[NOT_FOUND]
    if isinstance(error, VifiError):
        return NOT_READY, "Not now", str(error)
    if isinstance(error, sqlite3.Error):
        return NOT_READY, "Not now", unreadable_index(error)
    raise error
