"""From the windows of an index, ranked by their likeness to a query, to the best moments or videos."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.index.catalog import Catalog
from vifi_cli.index.moments import LONGEST_MOMENT_SECONDS, ScoredWindow, fold_into_moments
from vifi_cli.index.near_duplicates import FoldedHit, fold_near_duplicates
from vifi_cli.index.vectors import Vectors
from vifi_cli.index.windows import stretch_embedding

LOOKED_AT_PER_HIT = 20
LOOKED_AT_LEAST = 500
NEAR_SECONDS = 2 * LONGEST_MOMENT_SECONDS
ROWS_PER_QUERY = 900
"""SQLite's oldest limit on the number of parameters of one query is 999."""
VIDEOS_AT_HAND = 4
"""Of so many videos the frames are kept while hits are compared with each other."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a video in the catalogue."""

    video_id: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which hits a search wants, and how many; see `VideoIndex.search`."""

    top: int = 10
    by: Literal["moment", "video"] = "moment"
    per_video: int = 3
    min_score: float = -1.0
    without: Place | None = None
    fold_duplicates: bool = False

    def allows(self, window: ScoredWindow) -> bool:
        """Whether a window may be part of a hit: whether it shows nothing of what is left out."""
        out = self.without
        if out is None or window.video_id != out.video_id:
            return True
        apart = window.end_seconds <= out.start_seconds or window.start_seconds >= out.end_seconds
        return self.by == "moment" and apart


@dataclass(frozen=True, slots=True)
class Ranking:
    """A query put to one state of a catalogue and its vectors.

    Attributes:
        query: float32 (D,), of length 1.
        among: ids of the windows to look at, int64; None for all.
    """

    catalog: Catalog
    vectors: Vectors
    query: npt.NDArray[np.float32]
    among: npt.NDArray[np.int64] | None
    wanted: Wanted

    def best(self) -> list[FoldedHit]:
        """The best moments or videos; looks at more and more windows until there are enough."""
        top = self.wanted.top
        total = len(self.vectors) if self.among is None else len(self.among)
        looked_at = max(LOOKED_AT_LEAST, top * LOOKED_AT_PER_HIT) if top else total
        hits: list[FoldedHit] = []
        while total:
            ids, scores = self.vectors.search(self.query, min(looked_at, total), self.among)
            hits = self._hits(self._windows(ids, scores))
            if self.wanted.by == "moment" and looked_at < total:
                hits = self._hits(self._windows_near(hits))
            # What was not looked at scores no better than the worst one seen: enough hits are the best hits.
            if looked_at >= total or len(hits) >= top or scores[-1] < self.wanted.min_score:
                break
            looked_at *= 4
        return hits

    def _hits(self, windows: list[ScoredWindow]) -> list[FoldedHit]:
        by_video: dict[int, list[ScoredWindow]] = defaultdict(list)
        for window in windows:
            by_video[window.video_id].append(window)
        if self.wanted.by == "video":
            hits = [max(group, key=lambda window: window.score) for group in by_video.values()]
        else:
            most = self.wanted.per_video or None
            hits = [
                moment
                for group in by_video.values()
                for moment in fold_into_moments((w for w in group if not w.is_whole), most=most)
            ]
        return self._folded(sorted(hits, key=lambda hit: (-hit.score, hit.video_id, hit.start_seconds)))

    def _folded(self, ranked: list[ScoredWindow]) -> list[FoldedHit]:
        most = self.wanted.top or None
        if not self.wanted.fold_duplicates:
            return [FoldedHit(hit) for hit in ranked[:most]]
        frames_of = lru_cache(VIDEOS_AT_HAND)(self.catalog.frames)

        def embed(hit: ScoredWindow) -> npt.NDArray[np.float32]:
            return stretch_embedding(*frames_of(hit.video_id), hit.start_seconds, hit.end_seconds)

        return fold_near_duplicates(ranked, embed, most=most)

    def _windows_near(self, hits: Iterable[FoldedHit]) -> list[ScoredWindow]:
        """All windows around moments, so that where these begin and end does not hang on how many were looked at."""
        near: set[int] = set()
        for hit in (shown for folded in hits for shown in (folded.hit, *folded.duplicates)):
            rows = self.catalog.db.execute(
                "SELECT id FROM windows WHERE video_id = ? AND NOT is_whole AND end_seconds > ? AND start_seconds < ?",
                (hit.video_id, hit.start_seconds - NEAR_SECONDS, hit.end_seconds + NEAR_SECONDS),
            )
            near.update(row[0] for row in rows)
        ids = np.array(sorted(near), np.int64)
        return self._windows(*self.vectors.search(self.query, len(ids), ids)) if len(ids) else []

    def _windows(self, ids: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]) -> list[ScoredWindow]:
        rows = rows_of(
            self.catalog,
            "SELECT id, video_id, start_seconds, end_seconds, is_whole FROM windows WHERE id IN ({})",
            ids.tolist(),
        )
        score_of = dict(zip(ids.tolist(), scores.tolist(), strict=True))
        windows = (
            ScoredWindow(row[1], row[2], row[3], score_of[row[0]], bool(row[4]), row[0]) for row in rows
        )
        return [window for window in windows if self.wanted.allows(window)]


def rows_of(catalog: Catalog, query: str, ids: list[int]) -> list[tuple[Any, ...]]:
    """Runs a query with `IN ({})` over any number of ids."""
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(ids), ROWS_PER_QUERY):
        part = ids[start : start + ROWS_PER_QUERY]
        rows += catalog.db.execute(query.format(",".join("?" * len(part))), part).fetchall()
    return rows
