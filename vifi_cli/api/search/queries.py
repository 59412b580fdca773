"""What to search for, said in Python: words and examples, to be added, subtracted and weighted."""

import math
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.query import Example, Query, Term, query_in_words
from vifi_cli.paths import given_path
from vifi_cli.video.moment import TimeRange


def words(text: str) -> Query:
    """Looks for a description. Queries can be added up, subtracted and weighted by a number before them.

    Raises:
        InvalidInput: it says nothing.
    """
    if not text.strip():
        raise InvalidInput("the query is empty: say what to look for")
    return query_in_words(text)


def example(path: Path | str, start_seconds: float | None = None, end_seconds: float | None = None) -> Query:
    """Looks for what looks like a picture, a video or a part of one.

    Args:
        path: the file; an indexed video is known to the index, and needs not be there.
        start_seconds: where the part of a video begins.
        end_seconds: where it ends; the end of the video if None.

    Raises:
        InvalidInput: the end is not after the start.
    """
    shown = seen_part(path, start_seconds, end_seconds)
    return Query(str(path), (Term(shown),))


def seen_part(path: Path | str, start_seconds: float | None, end_seconds: float | None) -> Example:
    """The picture, video or part of one that is shown; arguments and errors are those of `example`."""
    if start_seconds is None and end_seconds is None:
        return Example(given_path(Path(path)))
    start = start_seconds or 0.0
    part = TimeRange(start, math.inf if end_seconds is None else end_seconds, start)
    if not 0 <= part.start_seconds < part.end_seconds:
        raise InvalidInput(
            f"{path}: from {start:g} to {part.end_seconds:g} s there is nothing: the end comes last"
        )
    return Example(given_path(Path(path)), part)
