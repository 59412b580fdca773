"""The moments to cut: hits of a search, named one by one, or read from what a search wrote."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.paths import given_path, is_given_file
from vifi_cli.video.moment import Moment
from vifi_cli.wording import ScoreName, seconds_of, unescaped

NAMED = re.compile(r"(?P<file>.+)@(?P<start>[^@/-]*)[-–](?P<end>[^@/-]*)", re.DOTALL)
CELLS = 4  # of a line that a search writes: relevance, start, end, path
NUMBERS: Mapping[str, ScoreName | None] = {"relevance": "Relevance", "cosine": "Cosine", "score": None}
"""Of a hit in JSON, and what they are; the first one present counts."""

LISTS = {"hits", "candidates"}
"""What search and teach call their moments in JSON."""

FORMS = "pass on what `vifi search --json`, --jsonl or plain `vifi search` writes, or FILE@1:20-1:28 per line"


@dataclass(frozen=True, slots=True)
class TitledMoments:
    """Moments in the order in which they are shown, with a title for lists and pages."""

    moments: tuple[Moment, ...]
    title: str = "Moments"


def as_moment(found: SearchHit | Moment) -> Moment:
    """A hit or a moment as it is cut: with an absolute path, and the number shown with a hit."""
    score = found.score if isinstance(found, Moment) else found.number_shown
    span = found.start_seconds, found.end_seconds
    return Moment(given_path(found.path), *span, score, score_name=found.score_name)


def named_moments(texts: Sequence[str]) -> TitledMoments | None:
    """Moments named as FILE@START-END; None if no text names one.

    Raises:
        InvalidInput: some do, and others do not.
    """
    named = [_named(text) for text in texts]
    if not any(named):
        return None
    moments = []
    for text, moment in zip(texts, named, strict=True):
        if moment is None:
            raise InvalidInput(
                f"{text} is among moments, but is not one: write it as FILE@1:20-1:28, or search for it alone"
            )
        moments.append(moment)
    return TitledMoments(tuple(moments))


def _named(text: str) -> Moment | None:
    match = NAMED.fullmatch(text)
    if not match:
        return None
    start = seconds_of(match["start"]) if match["start"] else 0.0
    end = seconds_of(match["end"]) if match["end"] else math.inf
    if start is None or end is None:
        return None
    if end <= start:
        raise InvalidInput(
            f"{text}: the end is not after the start: write FILE@START-END, as in clip.mp4@1:20-1:28"
        )
    return Moment(given_path(match["file"]), start, end)


def parse_moments(text: str) -> TitledMoments:
    """Moments as a search writes them: JSON, JSON Lines, or lines of tab-separated cells; or named ones, one per line.

    Raises:
        InvalidInput: the text is none of these.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if not text.lstrip().startswith(("{", "[")):
        return TitledMoments(tuple(map(_from_line, lines)))
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return TitledMoments(tuple(map(_from_json_line, lines)))
    if not isinstance(document, dict) or not LISTS & document.keys():
        document = {"hits": document if isinstance(document, list) else [document]}
    hits, title = document.get("hits", document.get("candidates")), document.get("query")
    if not isinstance(hits, list):
        raise InvalidInput(f"the JSON has no list of hits: {FORMS}")
    moments = tuple(_from_hit(hit, f"hit {number}") for number, hit in enumerate(hits, start=1))
    return TitledMoments(moments, title) if isinstance(title, str) and title else TitledMoments(moments)


def _from_json_line(line: str) -> Moment:
    try:
        return _from_hit(json.loads(line), _short(line))
    except json.JSONDecodeError:
        raise InvalidInput(f"not JSON: {_short(line)}: {FORMS}") from None


def _from_hit(hit: object, where: str) -> Moment:
    try:
        if not isinstance(hit, dict):
            raise TypeError
        name = next((name for name in NUMBERS if hit.get(name) is not None), None)
        score = None if name is None else float(hit[name])
        found = _checked(hit["path"], float(hit["start_seconds"]), float(hit["end_seconds"]), score, where)
        return replace(found, score_name=None if name is None else NUMBERS[name])
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(f"{where}: not a hit with path, start_seconds and end_seconds: {FORMS}") from None


def _from_line(line: str) -> Moment:
    cells = line.split("\t")
    moment = None
    if len(cells) == CELLS:
        with suppress(ValueError):
            score, start, end = map(float, cells[:3])
            moment = _checked(unescaped(cells[3]), start, end, score, _short(line))
    else:
        moment = _named(_as_on_disk(line))
    if moment is None:
        raise InvalidInput(f"not a moment: {_short(line)}: {FORMS}")
    return moment


def _as_on_disk(line: str) -> str:
    """A named moment without the escapes that a search writes into names, unless the name really holds them."""
    match = NAMED.fullmatch(line)
    plain = unescaped(line)
    return line if plain == line or match is None or is_given_file(match["file"]) else plain


def _checked(path: object, start: float, end: float, score: float | None, where: str) -> Moment:
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError
    if not 0 <= start < end:
        raise InvalidInput(f"{where} does not end after it begins: {FORMS}")
    return Moment(given_path(path), start, end, score)


def _short(line: str) -> str:
    return line if len(line) <= 60 else f"{line[:57]}…"
