"""Moments that are named to be marked: hits of the last search by their numbers, or parts of indexed videos."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from vifi_cli.api.cut.moments import named_moments as parts_of_files
from vifi_cli.api.search.hits.last_search import LastSearch, find_again, last_search
from vifi_cli.api.search.query_language import parse_example
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.marking import indexed_video
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.video_index import TIME_DIGITS
from vifi_cli.paths import given_path, is_given_file
from vifi_cli.video.moment import WHOLE_VIDEO, Moment
from vifi_cli.wording import clock, duration

NUMBERS = re.compile(r"\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*")


def named_moments(session: SearchSession, texts: Sequence[str]) -> list[Moment]:
    """The moments that texts name: `3`, `1,4-6`, FILE@1:20-1:24, FILE@1:20 for a few seconds around, or FILE.

    Raises:
        InvalidInput: a text names none, or one that is not in the index.
    """
    return [indexed_moment(session, *named) for text in texts for named in _named(text)]


def indexed_moment(session: SearchSession, moment: Moment, asked_seconds: float | None = None) -> Moment:
    """A moment within its video, as that is indexed.

    Raises:
        InvalidInput: the video is not in the index, or ends before the time that was asked for or the moment begins.
    """
    begins = moment.start_seconds if asked_seconds is None else asked_seconds
    video = indexed_video(session, given_path(moment.path))
    length_seconds = round(video.duration_seconds, TIME_DIGITS)
    if begins >= length_seconds > 0:
        raise InvalidInput(
            f"{moment.path} lasts {duration(length_seconds)}: nothing in it is at {clock(begins)}"
        )
    end_seconds = moment.end_seconds if length_seconds <= 0 else min(moment.end_seconds, length_seconds)
    return replace(moment, path=video.path, end_seconds=end_seconds)


def _named(text: str) -> Iterator[tuple[Moment, float | None]]:
    """Moments, each with the time that was asked for where that is not its start."""
    if not text.strip():
        raise InvalidInput("a moment without a name: write the number of a hit, FILE@1:20-1:24, or FILE")
    if NUMBERS.fullmatch(text) and not is_given_file(text):
        search = last_search()
        for part in text.split(","):
            first, _, last = part.partition("-")
            if last and int(last) < int(first):
                raise InvalidInput(f"{part} counts backwards: write {last}-{first}")
            for number in range(int(first), int(last or first) + 1):
                yield _hit(search, number), None
        return
    if spans := parts_of_files([text]):
        yield from ((moment, None) for moment in spans.moments)
        return
    example = parse_example(text)
    span = example.part or WHOLE_VIDEO
    yield Moment(example.path, span.start_seconds, span.end_seconds), span.asked_seconds


def _hit(search: LastSearch, number: int) -> Moment:
    hit = search.hit(number)
    return Moment(find_again(hit).path, hit.start_seconds, hit.end_seconds)
