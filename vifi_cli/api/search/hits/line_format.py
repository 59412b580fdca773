r"""Hits as text by the user's own template, such as `{path}\t{start}`."""

import math
from collections.abc import Callable, Iterator, Sequence

from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.line_template import Field, LineTemplate, Value, with_escapes
from vifi_cli.wording import clock, timecode

FLAG = "--format"
FIELDS = {
    "path": Field("path of the video", "/videos/clip.mp4"),
    "name": Field("its file name", "clip.mp4"),
    "folder": Field("its folder", "/videos"),
    "uri": Field("its address, as in `file:///videos/clip.mp4`", "file:///videos/clip.mp4"),
    "start": Field("where the moment begins, in seconds from the first picture", 0.0, ".3f"),
    "end": Field("where it ends", 0.0, ".3f"),
    "length": Field("its length in seconds", 0.0, ".3f"),
    "start_clock": Field("where it begins, as in `1:20`", "0:00"),
    "end_clock": Field("where it ends", "0:00"),
    "player_start": Field("where it begins for players, which may count from the first sound", 0.0, ".3f"),
    "number": Field("number of the hit, as for `vifi open`", 1),
    "score": Field("the number that a list shows: relevance or cosine", 0.0, ".4f"),
    "relevance": Field("relevance, `nan` for queries that have none", 0.0, ".4f"),
    "cosine": Field("cosine between query and moment", 0.0, ".4f"),
    "unsure": Field("`unsure` for a hit below the threshold, empty for others", ""),
    "marked": Field("`right` for a moment that you marked right, empty for others", ""),
    "query": Field("the query", "a cat"),
    "steps": Field("the times of the steps of `a then b`, as in `0:05-0:10 0:12-0:20`; else empty", ""),
}


class HitFormat:
    """A template for hits, checked when it is made."""

    def __init__(self, text: str) -> None:
        """Takes the template as typed; raises InvalidInput if it makes no sense."""
        if not text:
            raise InvalidInput(rf"{FLAG} is empty: write fields, as in {FLAG} '{{path}}\t{{start}}'")
        self._template = LineTemplate(with_escapes(text), FIELDS, flag=FLAG)
        self.is_exact = "\0" in with_escapes(text)
        """Whether hits end with NUL where the template says so; then names need no escapes and hits no line breaks."""

    def filled(self, query: str, hits: Sequence[SearchHit], safe: Callable[[str], str]) -> Iterator[str]:
        """The text for each hit; `safe` makes texts such as names fit for the output."""
        starts = self._player_starts(hits)
        for number, (hit, player_start) in enumerate(zip(hits, starts, strict=True), 1):
            values = _values(hit) | {"number": number, "query": query, "player_start": player_start}
            yield self._template.filled(
                {name: safe(value) if isinstance(value, str) else value for name, value in values.items()}
            )

    def _player_starts(self, hits: Sequence[SearchHit]) -> Iterator[float]:
        """Where hits begin for players, if the template asks for it, since files have to be opened for that."""
        if "player_start" not in self._template.fields:
            yield from (hit.start_seconds for hit in hits)
            return
        from vifi_cli.api.search.player_starts import player_starts  # PyAV, which a search does not need

        found = player_starts([(hit.path, hit.start_seconds) for hit in hits])
        for hit, start in zip(hits, found, strict=True):
            yield start if isinstance(start, float) else hit.start_seconds


def _values(hit: SearchHit) -> dict[str, Value]:
    return {
        "path": str(hit.path),
        "name": hit.path.name,
        "folder": str(hit.path.parent),
        "uri": hit.path.as_uri(),
        "start": hit.start_seconds,
        "end": hit.end_seconds,
        "length": hit.end_seconds - hit.start_seconds,
        "start_clock": clock(hit.start_seconds),
        "end_clock": clock(hit.end_seconds),
        "score": hit.number_shown,
        "relevance": math.nan if hit.relevance is None else hit.relevance,
        "cosine": hit.cosine,
        "unsure": "unsure" if hit.unsure else "",
        "steps": " ".join(
            f"{timecode(step.start_seconds)}-{timecode(step.end_seconds)}" for step in hit.steps
        ),
        "marked": hit.marked or "",
    }
