"""What the tools return: documents, their schemas, and problems in one line."""

import json
import sqlite3
from typing import Any

import mcp_types as types

from vifi_cli.api.search.hits.documents import Document
from vifi_cli.errors import VifiError, unreadable_index
from vifi_cli.wording import one_line

UNEXPECTED = "vifi did not expect this: set VIFI_DEBUG=1 to see on stderr where it failed, and report that"
MOST_LISTED = 20
"""Of the files that could not be read; a model has to read them all."""


def text_of(document: Document) -> types.TextContent:
    """A document as text, for clients that show no structured content."""
    return types.TextContent(text=json.dumps(document, ensure_ascii=False))


def result_of(document: Document, *pictures: types.ImageContent) -> types.CallToolResult:
    """A document as the result of a call, after its pictures."""
    readable = _readable(document)
    return types.CallToolResult(content=[*pictures, text_of(readable)], structured_content=readable)


def problem(text: str) -> types.CallToolResult:
    """A problem as the result of a call, which a model can read and act on."""
    return types.CallToolResult(content=[types.TextContent(text=one_line(text))], is_error=True)


def words_for(error: Exception) -> str:
    """What went wrong and what to do; for a bug, how to find it."""
    if isinstance(error, VifiError):
        return str(error)
    if isinstance(error, sqlite3.Error):
        return unreadable_index(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or 'cannot be read or written'}"
    return UNEXPECTED


def shortened(summary: Document) -> Document:
    """The state of an index, with the first files that could not be read, and their number."""
    for name in ("failed", "out_of_reach", "partly_read"):
        listed = summary[name]
        summary |= {name: listed[:MOST_LISTED], f"{name}_total": len(listed)}
    return summary


def _readable(value: Any) -> Any:
    """The same document with text that can be sent: bytes of a name that are not text become a mark.

    Such a video can be named by its key.
    """
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="replace")
    if isinstance(value, dict):
        return {name: _readable(each) for name, each in value.items()}
    return [_readable(each) for each in value] if isinstance(value, list) else value


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _named(kind: str, description: str) -> dict[str, Any]:
    return {"type": kind, "description": description}


_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}
_VIDEO = {
    "path": _TEXT,
    "key": _named("string", "Names the video and its content; valid until the file changes"),
}
_SPAN = {
    "start_seconds": _named("number", "From the start of the video"),
    "end_seconds": _named("number", "From the start of the video"),
}
_STEPS = {
    "type": "array",
    "description": "Of a query with `then`: the moment of each step, in order",
    "items": _object(query=_TEXT, **_SPAN),
}
_HIT = _object(
    **_VIDEO,
    **_SPAN,
    relevance={
        "type": ["number", "null"],
        "description": "Probability of a match, 0 to 1; null for examples",
    },
    cosine=_named("number", "Similarity, -1 to 1"),
    unsure=_named("boolean", "Whether it is below the threshold: look at a frame before you rely on it"),
)
_HIT["properties"]["steps"] = _STEPS
_HIT["properties"]["marked"] = {  # not required
    "enum": ["right"],
    "description": "Listed at the end, since the user has marked it right for the concept searched for",
}
HITS_SCHEMA = _object(query=_TEXT, model=_TEXT, hits={"type": "array", "items": _HIT})
TAUGHT_SCHEMA = _object(
    name=_TEXT,
    description=_TEXT,
    right=_named("integer", "Number of right marks"),
    wrong=_named("integer", "Number of wrong marks"),
    progress=_named("string", "What the marks have taught, and what is missing"),
    candidates={"type": "array", "items": _HIT, "description": "The moments to mark next"},
)
VIDEOS_SCHEMA = _object(
    total=_named("integer", "Number of videos that meet the conditions"),
    videos={"type": "array", "items": _object(**_VIDEO, duration_seconds=_NUMBER)},
    next={"type": ["string", "null"], "description": "Give this as `after` for more; null at the end"},
)
STATUS_SCHEMA = _object(
    folder=_TEXT,
    model=_TEXT,
    videos={"type": "integer"},
    video_seconds=_NUMBER,
    roots={"type": "array"},
    concepts={"type": "array", "items": _TEXT, "description": "Names to search for as @NAME"},
)
CLIP_SCHEMA = _object(clip=_named("string", "Path of the new file"), **_VIDEO, **_SPAN)
FRAME_SCHEMA = _object(**_VIDEO, seconds=_NUMBER, width={"type": "integer"}, height={"type": "integer"})
