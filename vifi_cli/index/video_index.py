"""An index as a searcher sees it: the catalogue and its vectors together."""

import fnmatch
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.index.calibration import Rater
from vifi_cli.index.catalog import CATALOG_FILE, Catalog, decode_path
from vifi_cli.index.moments import LONGEST_MOMENT_SECONDS, ScoredWindow, fold_into_moments
from vifi_cli.index.vectors import Vectors, open_vectors, vectors_in_memory

LOOKED_AT_PER_HIT = 20
LOOKED_AT_LEAST = 500
ATTEMPTS = 3
NEAR_SECONDS = 2 * LONGEST_MOMENT_SECONDS
ROWS_PER_QUERY = 900
"""SQLite's oldest limit on the number of parameters of one query is 999."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A moment that matches a query, or a whole video.

    Attributes:
        path: the video.
        start_seconds: where the moment begins.
        end_seconds: where it ends.
        score: cosine between the query's and the moment's embedding, in -1..1.
        relevance: estimated probability that it shows what was asked for, in 0..1; None where hits are not rated.
    """

    path: Path
    start_seconds: float
    end_seconds: float
    score: float
    relevance: float | None = None


class VideoIndex:
    """An index that can be searched. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Opens the index in a folder; raises IndexMissing or IndexDamaged."""
        self.catalog = Catalog(folder / CATALOG_FILE)
        self._vectors: Vectors | None = None

    def __enter__(self) -> "VideoIndex":
        return self

    def __exit__(self, *_: object) -> None:
        self.catalog.close()

    @property
    def vectors(self) -> Vectors:
        """The vectors of the catalogue's present revision, brought up to date where it has changed."""
        if self._vectors is None or self._vectors.revision != self.catalog.revision:
            self._vectors = open_vectors(self.catalog)
        return self._vectors

    def search(
        self,
        query: npt.NDArray[np.float32],
        *,
        top: int = 10,
        by: Literal["moment", "video"] = "moment",
        per_video: int = 3,
        below: str | None = None,
        min_score: float = -1.0,
        rate: Rater | None = None,
    ) -> list[SearchHit]:
        """Finds the moments, or the videos, that match a query best; the best come first.

        Args:
            query: float32 (D,), of length 1.
            top: number of hits at most; 0 for all.
            by: `moment` folds overlapping windows of one event into a hit; `video` gives one hit a video.
            per_video: moments of one video at most; 0 for all.
            below: a glob that the video's path must match (see `path_matches`), or a folder above it.
            min_score: hits below this score are left out.
            rate: says how relevant hits are.
        """
        for _ in range(ATTEMPTS):
            vectors = self.vectors
            with self.catalog.snapshot():
                if vectors.revision == self.catalog.revision:
                    return self._search(query, vectors, top, by, per_video, below, min_score, rate)
        with self.catalog.snapshot():  # the index changes faster than a vector file can be made
            vectors = vectors_in_memory(self.catalog)
            return self._search(query, vectors, top, by, per_video, below, min_score, rate)

    def _search(
        self,
        query: npt.NDArray[np.float32],
        vectors: Vectors,
        top: int,
        by: Literal["moment", "video"],
        per_video: int,
        below: str | None,
        min_score: float,
        rate: Rater | None,
    ) -> list[SearchHit]:
        among = None if below is None else self._windows_below(below)
        found = self._best(query, vectors, among, top, by, per_video, min_score)
        best = [hit for hit in found if hit.score >= min_score]
        relevance = _relevance(best, vectors, rate) if rate and best else [None] * len(best)
        return [
            SearchHit(path, hit.start_seconds, hit.end_seconds, hit.score, relevant)
            for (path, hit), relevant in zip(self._with_paths(best), relevance, strict=True)
        ]

    def _best(
        self,
        query: npt.NDArray[np.float32],
        vectors: Vectors,
        among: npt.NDArray[np.int64] | None,
        top: int,
        by: Literal["moment", "video"],
        per_video: int,
        min_score: float,
    ) -> list[ScoredWindow]:
        """The best moments or videos; looks at more and more windows until there are enough."""
        total = len(vectors) if among is None else len(among)
        looked_at = max(LOOKED_AT_LEAST, top * LOOKED_AT_PER_HIT) if top else total
        hits: list[ScoredWindow] = []
        while total:
            ids, scores = vectors.search(query, min(looked_at, total), among)
            hits = self._hits(self._windows(ids, scores), by, per_video, top)
            if by == "moment" and looked_at < total:
                hits = self._hits(self._windows_near(hits, vectors, query), by, per_video, top)
            # What was not looked at scores no better than the worst one seen: enough hits are the best hits.
            if looked_at >= total or len(hits) >= top or scores[-1] < min_score:
                break
            looked_at *= 4
        return hits

    def _hits(
        self, windows: list[ScoredWindow], by: Literal["moment", "video"], per_video: int, top: int
    ) -> list[ScoredWindow]:
        by_video: dict[int, list[ScoredWindow]] = defaultdict(list)
        for window in windows:
            by_video[window.video_id].append(window)
        if by == "video":
            hits = [max(group, key=lambda window: window.score) for group in by_video.values()]
        else:
            hits = [
                moment
                for group in by_video.values()
                for moment in fold_into_moments((w for w in group if not w.is_whole), most=per_video or None)
            ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.video_id, hit.start_seconds))[: top or None]

    def _windows_near(
        self, hits: list[ScoredWindow], vectors: Vectors, query: npt.NDArray[np.float32]
    ) -> list[ScoredWindow]:
        """All windows around moments, so that where these begin and end does not hang on how many were looked at."""
        near: set[int] = set()
        for hit in hits:
            rows = self.catalog.db.execute(
                "SELECT id FROM windows WHERE video_id = ? AND NOT is_whole AND end_seconds > ? AND start_seconds < ?",
                (hit.video_id, hit.start_seconds - NEAR_SECONDS, hit.end_seconds + NEAR_SECONDS),
            )
            near.update(row[0] for row in rows)
        ids = np.array(sorted(near), np.int64)
        return self._windows(*vectors.search(query, len(ids), ids)) if len(ids) else []

    def _with_paths(self, hits: list[ScoredWindow]) -> list[tuple[Path, ScoredWindow]]:
        rows = self._rows(
            "SELECT id, path FROM videos WHERE id IN ({})", sorted({hit.video_id for hit in hits})
        )
        paths = {row[0]: decode_path(row[1]) for row in rows}
        return [(paths[hit.video_id], hit) for hit in hits]

    def _windows_below(self, pattern: str) -> npt.NDArray[np.int64]:
        videos = [video.id for video in self.catalog.videos() if path_matches(video.path, pattern)]
        rows = self._rows("SELECT id FROM windows WHERE video_id IN ({})", videos)
        return np.array([row[0] for row in rows], np.int64)

    def _windows(self, ids: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]) -> list[ScoredWindow]:
        rows = self._rows(
            "SELECT id, video_id, start_seconds, end_seconds, is_whole FROM windows WHERE id IN ({})",
            ids.tolist(),
        )
        score_of = dict(zip(ids.tolist(), scores.tolist(), strict=True))
        return [ScoredWindow(row[1], row[2], row[3], score_of[row[0]], bool(row[4]), row[0]) for row in rows]

    def _rows(self, query: str, ids: list[int]) -> list[tuple[Any, ...]]:
        """Runs a query with `IN ({})` over any number of ids."""
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(ids), ROWS_PER_QUERY):
            part = ids[start : start + ROWS_PER_QUERY]
            rows += self.catalog.db.execute(query.format(",".join("?" * len(part))), part).fetchall()
        return rows


def _relevance(hits: list[ScoredWindow], vectors: Vectors, rate: Rater) -> list[float]:
    """The relevance of hits, the nearest first, by the windows that they were found by."""
    ids = np.array([hit.window_id for hit in hits], np.int64)
    relevance: list[float] = rate(vectors, ids, np.array([hit.score for hit in hits], np.float32)).tolist()
    return relevance


def path_matches(path: Path, pattern: str) -> bool:
    """Whether a path is meant by a pattern: a folder or file, or a glob.

    A folder or file is taken as it is, whatever characters its name has, relative to where the user is. In a glob `*`
    matches any characters, slashes too; without a leading slash it may match from any folder on (`trips/*.mp4`,
    `*.mkv`, `holiday`), and one that matches a folder on the way to the file matches the file.
    """
    if path.is_relative_to(os.path.abspath(pattern)):  # noqa: PTH100 - resolve() would follow links
        return True
    anchored = pattern if pattern.startswith("/") else f"*/{pattern}"
    text = str(path)
    return fnmatch.fnmatchcase(text, anchored) or fnmatch.fnmatchcase(text, f"{anchored.rstrip('/')}/*")
