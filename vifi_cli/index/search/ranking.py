"""From the windows of an index, ranked by their likeness to a query, to the best moments or videos."""

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.search.moments import LONGEST_MOMENT_SECONDS, ScoredWindow, fold_into_moments
from vifi_cli.index.search.near_duplicates import FoldedHit, fold_near_duplicates
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
        """The best moments or videos; looks at more and more windows until there are enough.

        A video that has given all it may is not looked at again: one long video can have thousands of windows nearer
        than the best one of the next.
        """
        top, among, settled = self.wanted.top, self.among, dict[int, list[ScoredWindow]]()
        passed_over: npt.NDArray[np.int64] | None = None
        left = total = len(self.vectors) if among is None else len(among)
        looked_at = max(LOOKED_AT_LEAST, top * LOOKED_AT_PER_HIT) if top else total
        hits: list[FoldedHit] = []
        while left:
            ids, scores = self.vectors.search(self.query, min(looked_at, left), among, passed_over)
            seen = {window.window_id: window for window in self._windows(ids, scores)}
            found = self._by_video(seen.values())
            hits = self._folded(settled, found)
            if self.wanted.by == "moment" and looked_at < left:
                # What is around a moment can change it, and so which the next ones are, until all around is seen.
                while near := self._windows_near(hits, settled, seen):
                    seen |= {window.window_id: window for window in near}
                    found = self._by_video(seen.values())
                    hits = self._folded(settled, found)
            # What was not looked at scores no better than the worst one found: enough better hits are the best hits.
            better = [folded for folded in hits if folded.hit.score >= scores[-1]]
            if looked_at >= left or len(better) >= top or scores[-1] < self.wanted.min_score:
                break
            settled |= {
                video: best for video, best in found.items() if self._is_settled(best, float(scores[-1]))
            }
            rows = rows_of(self.catalog, "SELECT id FROM windows WHERE video_id IN ({})", list(settled))
            passed_over = np.array([row[0] for row in rows], np.int64)
            if self.among is not None:
                among, passed_over = np.setdiff1d(self.among, passed_over, assume_unique=True), None
            left = len(among) if among is not None else total - len(rows)
            looked_at *= 4
        return hits

    def _by_video(self, windows: Iterable[ScoredWindow]) -> dict[int, list[ScoredWindow]]:
        """The best moments of each video, or its best window, best first."""
        by_video: dict[int, list[ScoredWindow]] = defaultdict(list)
        for window in windows:
            by_video[window.video_id].append(window)
        if self.wanted.by == "video":
            return {video: [max(group, key=lambda window: window.score)] for video, group in by_video.items()}
        most, background = self.wanted.per_video or None, float(self.query @ self.vectors.mean)
        return {
            video: fold_into_moments((w for w in group if not w.is_whole), background=background, most=most)
            for video, group in by_video.items()
        }

    def _is_settled(self, best: list[ScoredWindow], least_seen: float) -> bool:
        """Whether a video's hits stay what they are, whatever else it holds that scores no better than `least_seen`."""
        most = 1 if self.wanted.by == "video" else self.wanted.per_video
        return bool(most) and len(best) == most and best[-1].score >= least_seen

    def _folded(self, *by_video: dict[int, list[ScoredWindow]]) -> list[FoldedHit]:
        """The best hits of all videos."""
        most = self.wanted.top or None
        hits = (hit for videos in by_video for best in videos.values() for hit in best)
        ranked = sorted(hits, key=lambda hit: (-hit.score, hit.video_id, hit.start_seconds))
        if not self.wanted.fold_duplicates:
            return [FoldedHit(hit) for hit in ranked[:most]]
        frames_of = lru_cache(VIDEOS_AT_HAND)(self.catalog.frames)

        def embed(hit: ScoredWindow) -> npt.NDArray[np.float32]:
            return stretch_embedding(*frames_of(hit.video_id), hit.start_seconds, hit.end_seconds)

        return fold_near_duplicates(ranked, embed, most=most)

    def _windows_near(
        self, hits: Iterable[FoldedHit], settled: Container[int], seen: Iterable[int]
    ) -> list[ScoredWindow]:
        """All windows around moments, so that where these begin and end does not hang on how many were looked at.

        Those of settled videos are known, and those whose ids were seen.
        """
        near: set[int] = set()
        for hit in (shown for folded in hits for shown in (folded.hit, *folded.duplicates)):
            if hit.video_id in settled:
                continue
            rows = self.catalog.db.execute(
                "SELECT id FROM windows WHERE video_id = ? AND NOT is_whole AND end_seconds > ? AND start_seconds < ?",
                (hit.video_id, hit.start_seconds - NEAR_SECONDS, hit.end_seconds + NEAR_SECONDS),
            )
            near.update(row[0] for row in rows)
        ids = np.array(sorted(near.difference(seen)), np.int64)
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
