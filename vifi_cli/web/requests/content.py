"""The content of requests, read no further than it may be long."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from vifi_cli.errors import InvalidInput

IN_WORDS = {str: "a text", bool: "true or false"}


async def content_of(request: Request, most_bytes: int) -> bytes | None:
    """The body of a request; None if it is too long to be read."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > most_bytes:
            return None
    return content


def parse_object(content: bytes, fields: Mapping[str, type]) -> dict[str, Any]:
    """Reads a JSON object that has these fields, each of its type, and no others; raises InvalidInput otherwise."""
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise InvalidInput(f"the content is not a JSON object: send one with {' and '.join(fields)}")
    for name, kind in fields.items():
        if not isinstance(given.get(name), kind):
            raise InvalidInput(f"`{name}` in the content is not {IN_WORDS[kind]}: send {IN_WORDS[kind]}")
    if given.keys() != fields.keys():
        raise InvalidInput(f"the content has other fields than {' and '.join(fields)}: omit them")
    return given
