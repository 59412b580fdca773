"""Named values in the requests of programs, over HTTP or MCP: what is wrong with one, in the same words for both."""

import difflib
from collections.abc import Sequence

from vifi_cli.errors import InvalidInput

LIKENESS = 0.65  # of a name that is suggested


def advice_for(name: str, known: Sequence[str], taker: str) -> str:
    """What to do about an unknown name: the one that was probably meant, or all that `taker` takes."""
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, 1, LIKENESS)
    return f"did you mean `{near[0]}`?" if near else f"{taker} takes {', '.join(known) or 'none'}"


def check_is_text(name: str, value: str) -> None:
    """Raises InvalidInput if a value holds what no text does."""
    if "\0" in value:
        raise InvalidInput(f"`{name}` holds a NUL character, which is not text: omit it")


def check_hit_unit(by: str, *, gives_per_video: bool) -> None:
    """Raises InvalidInput if moments per video are limited where a hit is a video."""
    if by == "video" and gives_per_video:
        raise InvalidInput("`per_video` counts moments, and by=video gives one hit per video: omit one")
