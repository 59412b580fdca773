"""Sends files as HTTP wants it: whole, in ranges, or not at all if the client has them already (RFC 9110).

Starlette refuses ranges that a server has to ignore, and does not look at preconditions.
"""

import asyncio
import os
import re
from datetime import UTC
from email.utils import parsedate_to_datetime

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

NOT_MODIFIED, GONE, PRECONDITION_FAILED = 304, 410, 412
ONE_RANGE = re.compile(
    r"\s*(?:(?P<first>[0-9]{1,30})-(?P<last>[0-9]{0,30})|-(?P<suffix>[0-9]{1,30}))\s*", re.ASCII
)
INVALID_RANGE = "bytes="
ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')
LEFT_OUT = {"content-length", "content-type", "accept-ranges", "content-disposition"}
"""Headers that describe content, in an answer without any."""


class SentFile(FileResponse):
    """A file as an answer, which heeds `Range`, `If-Range`, `If-Match`, `If-None-Match` and their dates."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if self.stat_result is None:
            try:
                self.stat_result = await asyncio.to_thread(os.stat, self.path)
            except OSError as error:  # it has just been moved
                raise HTTPException(GONE) from error
            self.set_stat_headers(self.stat_result)
        headers = Headers(scope=scope)
        status = self._status_by_preconditions(headers) if self.status_code == 200 else None
        if status is not None:
            kept = {name: value for name, value in self.headers.items() if name not in LEFT_OUT}
            await Response(status_code=status, headers=kept)(scope, receive, send)
            return
        wanted = usable_range(headers.get("range", ""), self.stat_result.st_size)
        others = [(name, value) for name, value in scope["headers"] if name != b"range"]
        if wanted and scope["method"] == "GET":
            others.append((b"range", wanted.encode()))
        await super().__call__({**scope, "headers": others}, receive, send)

    def _status_by_preconditions(self, headers: Headers) -> int | None:
        """The status of an answer without content, in the order of RFC 9110, section 13.2.2; None to send the file."""
        modified = int(self.stat_result.st_mtime) if self.stat_result else 0
        own = self.headers["etag"]
        if (wanted := headers.get("if-match")) is not None:
            if wanted.strip() != "*" and own not in ENTITY_TAG.findall(wanted):
                return PRECONDITION_FAILED
        elif (since := _seconds(headers.get("if-unmodified-since"))) is not None and modified > since:
            return PRECONDITION_FAILED
        if (known := headers.get("if-none-match")) is not None:
            has_it = known.strip() == "*" or own in [
                tag.removeprefix("W/") for tag in ENTITY_TAG.findall(known)
            ]
        else:
            since = _seconds(headers.get("if-modified-since"))
            has_it = since is not None and modified <= since
        return NOT_MODIFIED if has_it else None


class SentStaticFiles(StaticFiles):
    """Static files, sent in the same way."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The answer for one of them."""
        return SentFile(full_path, status_code, stat_result=stat_result)


def usable_range(header: str, size_bytes: int) -> str | None:
    """The part of a Range header to heed; None if it has another unit, and must be ignored.

    Ranges beyond the end are left out, unless there are no others: then the answer is that there is no such part. What
    is not a range becomes one that Starlette refuses; it would read `1_0-2` as a range.
    """
    unit, _, listed = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    parts = [part for part in listed.split(",") if part.strip()]  # empty elements of a list do not count
    matches = [ONE_RANGE.fullmatch(part) for part in parts]
    if not parts or any(match is None or _is_backwards(match) for match in matches):
        return INVALID_RANGE
    reached = [match for match in matches if match is not None and _begins_within(match, size_bytes)]
    return "bytes=" + ",".join(match[0].strip() for match in reached or matches[:1] if match is not None)


def _is_backwards(match: re.Match[str]) -> bool:
    return bool(match["last"]) and int(match["last"]) < int(match["first"])


def _begins_within(match: re.Match[str], size_bytes: int) -> bool:
    return int(match["first"]) < size_bytes if match["first"] else int(match["suffix"]) > 0 and size_bytes > 0


def _seconds(date: str | None) -> float | None:
    """The seconds since 1970 of a date in a header; None if there is none, or one that cannot be read."""
    try:
        read = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
