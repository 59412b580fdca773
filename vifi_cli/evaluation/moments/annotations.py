"""Reads the annotation files of four public sets, as their authors publish them. vifi ships none of them.

Sources: QVHighlights, github.com/jayleicn/moment_detr, data/README.md. Charades-STA, github.com/jiyanggao/TALL.
ActivityNet Captions, cs.stanford.edu/people/ranjaykrishna/densevid. DiDeMo, github.com/LisaAnne/LocalizingMoments,
data/README.md.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from vifi_cli.data.formats.annotation_files.structured_file import list_in, object_in
from vifi_cli.data.formats.text_file import numbered_lines
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.moments.queries import MomentQueries, MomentQuery, text_of, window_of
from vifi_cli.video.moment import TimeRange

Entry = tuple[dict[str, object], str]
"""A JSON object, and the file and line for messages."""

QVHIGHLIGHTS, CHARADES_STA = "QVHighlights", "Charades-STA"
ACTIVITYNET_CAPTIONS, DIDEMO = "ActivityNet Captions", "DiDeMo"
SEGMENT_SECONDS = 5
MOST_SEGMENTS = 6
"""Of a video of DiDeMo: longer ones were annotated up to 30 s only."""

_CHARADES_LINE = re.compile(r"(\S+)\s+(\S+)\s+(\S+?)\s*##\s*(.+)")


class _Collected:
    """Queries as they are read, and the windows that were left out since they have no length."""

    def __init__(self) -> None:
        self.queries: list[MomentQuery] = []
        self.without_length: list[str] = []

    def add(
        self, query: tuple[int | str, str, str], windows: Iterable[object], where: str, segments: int = 0
    ) -> None:
        """Adds a query of number, text and video, unless none of its windows has a length."""
        read = [(values, window_of(values, where)) for values in windows]
        if not read:
            raise InvalidInput(f"{where} has no true window: add one, or delete the query")
        self.without_length += [f"{where}, {values}" for values, window in read if window is None]
        kept = tuple(dict.fromkeys(window for _, window in read if window))
        if kept:
            self.queries.append(MomentQuery(*query, kept, where, segments))

    def of(self, path: Path, source: str) -> MomentQueries:
        """All of them."""
        return MomentQueries(path, source, tuple(self.queries), tuple(self.without_length))


def read_qvhighlights(path: Path, entries: Iterable[Entry]) -> MomentQueries:
    """Reads objects with `qid`, `query`, `vid` and `relevant_windows`, several windows each."""
    collected = _Collected()
    seen: set[object] = set()
    for entry, where in entries:
        number = entry.get("qid")
        if not isinstance(number, int | str) or number in seen:
            raise InvalidInput(
                f"{where}: qid {number!r} is missing or twice: each query needs one of its own"
            )
        if "relevant_windows" not in entry:
            raise InvalidInput(
                f"{where} has no relevant_windows, as in the test split of QVHighlights: name the val split"
            )
        seen.add(number)
        windows = list_in(entry["relevant_windows"], f"{where}: relevant_windows")
        text, video = text_of(entry.get("query"), where, "query"), text_of(entry.get("vid"), where, "vid")
        collected.add((number, text, video), windows, where)
    return collected.of(path, QVHIGHLIGHTS)


def read_charades_sta(path: Path) -> MomentQueries:
    """Reads lines such as `3MSZA 24.3 30.4##person turns a light on.`; each is a query with one window."""
    collected = _Collected()
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        parts = _CHARADES_LINE.fullmatch(line)
        try:
            video, start, end, text = parts.groups() if parts else ()
            window = [float(start), float(end)]
        except ValueError as error:
            raise InvalidInput(
                f"{where} is not `VIDEO START END##SENTENCE`, with times in seconds"
            ) from error
        collected.add((number, text, video), [window], where)
    return collected.of(path, CHARADES_STA)


def read_activitynet_captions(path: Path, videos: dict[str, object]) -> MomentQueries:
    """Reads an object of videos, each with `timestamps` and `sentences`; each sentence is a query with one window."""
    collected = _Collected()
    number = 0
    for video, content in videos.items():
        where = f"{path}, {video}"
        annotation = object_in(content, where)
        timestamps = list_in(annotation.get("timestamps"), f"{where}: timestamps")
        sentences = list_in(annotation.get("sentences"), f"{where}: sentences")
        if len(timestamps) != len(sentences):
            raise InvalidInput(f"{where} has {len(timestamps)} timestamps for {len(sentences)} sentences")
        for place, (window, sentence) in enumerate(zip(timestamps, sentences, strict=True), start=1):
            number += 1
            here = f"{where}, sentence {place}"
            collected.add((number, text_of(sentence, here, "text"), video), [window], here)
    return collected.of(path, ACTIVITYNET_CAPTIONS)


def read_didemo(path: Path, entries: Iterable[Entry]) -> MomentQueries:
    """Reads objects with `video`, `description` and `times`: first and last segment of 5 s, from 0, by annotator.

    All annotators count, also those who agree, since the published score drops the worst of them.
    """
    queries = []
    for place, (entry, where) in enumerate(entries, start=1):
        times = [_segments(values, where) for values in list_in(entry.get("times"), f"{where}: times")]
        if not times:
            raise InvalidInput(f"{where} has no times: delete it")
        number = entry.get("annotation_id", place)
        stated = entry.get("num_segments")
        segments = stated if isinstance(stated, int) and 1 <= stated <= MOST_SEGMENTS else MOST_SEGMENTS
        segments = max(segments, *(last + 1 for _, last in times))
        windows = tuple(
            TimeRange(float(first * SEGMENT_SECONDS), float((last + 1) * SEGMENT_SECONDS))
            for first, last in times
        )
        text, video = (
            text_of(entry.get("description"), where, "description"),
            text_of(entry.get("video"), where, "video"),
        )
        queries.append(
            MomentQuery(
                number if isinstance(number, int | str) else place, text, video, windows, where, segments
            )
        )
    return MomentQueries(path, DIDEMO, tuple(queries))


def _segments(values: object, where: str) -> tuple[int, int]:
    match values:
        case [int() as first, int() as last] if 0 <= first <= last < MOST_SEGMENTS:
            return first, last
    raise InvalidInput(
        f"{where}: {values!r} is not a first and a last segment of {SEGMENT_SECONDS} s, from 0 to {MOST_SEGMENTS - 1}"
    )


def entries_of(values: list[object], path: Path) -> Iterator[Entry]:
    """The objects of a JSON list, each with where it is."""
    for number, value in enumerate(values, start=1):
        where = f"{path}, entry {number}"
        yield object_in(value, where), where
