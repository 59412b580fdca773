"""From the windows of an index, ranked by similarity to a query, to the best moments or videos."""

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from vifi_cli.index.arrays import Float32Array, Int64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.video_filter import EVERY_VIDEO, VideoFilter
from vifi_cli.index.search.folding import (
    LONGEST_MOMENT_SECONDS,
    ScoredWindow,
    best_then_shortest_then_earliest,
    fold_into_moments,
    fold_near_duplicates,
)
from vifi_cli.index.vectors import Vectors
from vifi_cli.index.windows import window_embeddings

WINDOWS_PER_HIT = 20
LEAST_WINDOWS = 500
NEAR_SECONDS = 2 * LONGEST_MOMENT_SECONDS


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a video in the catalog."""

    video_id: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingOptions:
    """Which hits a search wants, and how many."""

    top: int = 10  # maximum number of hits; 0 for all
    by: Literal["moment", "video"] = "moment"  # one hit per event, or one per video
    per_video: int = 3  # maximum number of moments per video; 0 for all
    among: VideoFilter = EVERY_VIDEO
    # no hit shows any of this place; with `by="video"`, its video is not a hit either
    without: Place | None = None
    fold_duplicates: bool = False  # of hits that look nearly the same, keep only the best
    without_windows: frozenset[int] = frozenset()  # ids of windows that are not part of any hit

    @property
    def hits_needed(self) -> int:
        """How many hits to find: to count the near duplicates of the last one, also the hit after it; 0 for all."""
        return self.top + 1 if self.top and self.fold_duplicates else self.top

    def allows(self, window: ScoredWindow) -> bool:
        """Whether a window may be part of a hit, that is, is not left out and shows nothing of `without`."""
        if window.window_id in self.without_windows:
            return False
        out = self.without
        if out is None or window.video_id != out.video_id:
            return True
        apart = window.end_seconds <= out.start_seconds or window.start_seconds >= out.end_seconds
        return self.by == "moment" and apart


@dataclass(frozen=True, slots=True)
class Ranking:
    """A query put to one state of a catalog and its vectors."""

    catalog: Catalog
    vectors: Vectors
    query: Float32Array  # (D,), of length 1
    among: Int64Array | None  # ids of the windows to look at; None for all
    options: RankingOptions
    embeddings: dict[tuple[int, float, float], Float32Array] = field(default_factory=dict, init=False)

    def best(self) -> list[ScoredWindow]:
        """The best moments or videos; looks at more and more windows until there are enough.

        They are the first of those that a larger `top` gives. A video that has given all it may is not looked at
        again: one long video can have thousands of windows nearer than the best one of the next.
        """
        top, among, settled = self.options.hits_needed, self.among, dict[int, list[ScoredWindow]]()
        skipped: Int64Array | None = None
        left = total = len(self.vectors) if among is None else len(among)
        looked_at = max(LEAST_WINDOWS, top * WINDOWS_PER_HIT) if top else total
        hits: list[ScoredWindow] = []
        while left:
            ids, scores = self.vectors.search(self.query, min(looked_at, left), among, skipped)
            seen = {window.window_id: window for window in self._windows(ids, scores)}
            found = self._by_video(seen.values())
            hits = self._folded(settled, found)
            if self.options.by == "moment" and looked_at < left:
                # Windows around a moment can change it, and so which moments follow, until all of them are seen.
                while near := self._windows_near(hits, settled, seen):
                    seen |= {window.window_id: window for window in near}
                    found = self._by_video(seen.values())
                    hits = self._folded(settled, found)
            # All other windows score worse than the worst one found: enough better hits are the best hits.
            better = [hit for hit in hits if hit.score >= scores[-1]]
            if looked_at >= left or len(better) >= top:
                break
            settled |= {
                video: best for video, best in found.items() if self._is_settled(best, float(scores[-1]))
            }
            settled_ids = self.catalog.window_ids_of(list(settled))
            if self.among is None:
                skipped = settled_ids
            else:
                among = np.setdiff1d(self.among, settled_ids, assume_unique=True)
            left = total - len(settled_ids)
            looked_at *= 4
        return with_duplicates_counted(hits, self.options)[: self.options.top or None]

    def _by_video(self, windows: Iterable[ScoredWindow]) -> dict[int, list[ScoredWindow]]:
        """The best moments of each video, or its best window, best first."""
        by_video: dict[int, list[ScoredWindow]] = defaultdict(list)
        for window in windows:
            by_video[window.video_id].append(window)
        if self.options.by == "video":
            return {
                video: [min(group, key=best_then_shortest_then_earliest)] for video, group in by_video.items()
            }
        most, background = self.options.per_video or None, float(self.query @ self.vectors.mean)
        return {
            video: fold_into_moments((w for w in group if not w.is_whole), background=background, most=most)
            for video, group in by_video.items()
        }

    def _is_settled(self, best: list[ScoredWindow], least_seen: float) -> bool:
        """Whether a video's hits stay the same, whatever else it holds that scores worse than `least_seen`."""
        most = 1 if self.options.by == "video" else self.options.per_video
        return bool(most) and len(best) == most and best[-1].score >= least_seen

    def _folded(self, *by_video: dict[int, list[ScoredWindow]]) -> list[ScoredWindow]:
        most = self.options.hits_needed or None
        ranked = sorted(
            (hit for videos in by_video for best in videos.values() for hit in best), key=place_in_list
        )
        if not self.options.fold_duplicates:
            return ranked[:most]
        return fold_near_duplicates(ranked, self._embed, most=most)

    def _embed(self, hit: ScoredWindow) -> Float32Array:
        """The embedding (D,) of a hit, kept while hits are compared with each other."""
        part = hit.video_id, hit.start_seconds, hit.end_seconds
        if part not in self.embeddings:
            self.embeddings[part] = self.catalog.embedding_of(*part)
        return self.embeddings[part]

    def _windows_near(
        self, hits: Iterable[ScoredWindow], settled: Container[int], seen: Iterable[int]
    ) -> list[ScoredWindow]:
        """All windows around moments, so that the bounds of moments do not depend on how many windows were looked at.

        Windows of settled videos, and those whose ids were seen, are known already.
        """
        near: set[int] = set()
        for hit in (shown for best in hits for shown in (best, *best.duplicates)):
            if hit.video_id not in settled:
                start, end = hit.start_seconds - NEAR_SECONDS, hit.end_seconds + NEAR_SECONDS
                near.update(self.catalog.window_ids_near(hit.video_id, start, end).tolist())
        ids = np.array(sorted(near.difference(seen)), np.int64)
        return self._windows(ids, self.vectors.cosines(self.query, ids))

    def _windows(self, ids: Int64Array, scores: Float32Array) -> list[ScoredWindow]:
        score_of = dict(zip(ids.tolist(), scores.tolist(), strict=True))
        windows = (
            ScoredWindow(video_id, start, end, score_of[window_id], is_whole, window_id)
            for window_id, video_id, start, end, is_whole in self.catalog.windows(ids)
        )
        return [window for window in windows if self.options.allows(window)]


def with_duplicates_counted(hits: list[ScoredWindow], options: RankingOptions) -> list[ScoredWindow]:
    """Leaves a hit the near duplicates that rank before the next hit: others depend on how many hits follow."""
    if not options.fold_duplicates or not hits:
        return hits
    next_places = [*map(place_in_list, hits[1:]), AFTER_ALL]
    return [
        replace(hit, duplicates=tuple(each for each in hit.duplicates if place_in_list(each) < next_place))
        for hit, next_place in zip(hits, next_places, strict=True)
    ]


def place_in_list(hit: ScoredWindow) -> tuple[float, int, float]:
    """Orders hits: of equal ones, that of the video indexed first, and in it the earlier one."""
    return -hit.score, hit.video_id, hit.start_seconds


AFTER_ALL = (math.inf, 0, 0.0)


def video_scores(catalog: Catalog, queries: Float32Array, videos: Sequence[int]) -> Float32Array:
    """Scores every video (their ids, V) for every query (Q, D) of length 1, by its best window: cosines (Q, V)."""
    place_of = {video_id: place for place, video_id in enumerate(videos)}
    scores = np.zeros((len(queries), len(videos)), np.float32)
    with catalog.snapshot():
        for video_id, rows in catalog.windows_by_video():
            if video_id not in place_of:
                continue
            _, frames = catalog.frames(video_id)
            # a search compares float16 numbers too
            windows = window_embeddings(frames, rows[:, 1:]).astype(np.float16).astype(np.float32)
            scores[:, place_of[video_id]] = (queries @ windows.T).max(1)
    return scores
