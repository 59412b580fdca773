"""Queries in Python: words and examples to add, subtract and weight."""

import math
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.query import Example, Query, Term, query_in_words
from vifi_cli.paths import given_path
from vifi_cli.video.moment import TimeRange


def words(text: str) -> Query:
    """Looks for a description, which must not be empty. You can add, subtract and weight queries: `a + b - 0.5 * c`."""
    if not text.strip():
        raise InvalidInput("the query is empty: say what to look for")
    return query_in_words(text)


def example(path: Path | str, start_seconds: float | None = None, end_seconds: float | None = None) -> Query:
    """Looks for what looks like a picture, a video (indexed ones may be missing) or a part of one.

    Raises:
        InvalidInput: the end is not after the start.
    """
    shown = seen_part(path, start_seconds, end_seconds)
    return Query(str(path), (Term(shown),))


def seen_part(path: Path | str, start_seconds: float | None, end_seconds: float | None) -> Example:
    """The picture, video or part of one that is shown; errors are those of `example`."""
    if start_seconds is None and end_seconds is None:
        return Example(given_path(Path(path)))
    start = start_seconds or 0.0
    part = TimeRange(start, math.inf if end_seconds is None else end_seconds, start)
    return Example(given_path(Path(path)), part)
