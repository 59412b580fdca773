"""An index as a searcher sees it: the catalogue and its vectors together."""

import fnmatch
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.index.catalog import CATALOG_FILE, Catalog, decode_path
from vifi_cli.index.moments import ScoredWindow, fold_into_moments
from vifi_cli.index.vectors import Vectors, open_vectors

LOOKED_AT_PER_HIT = 20
LOOKED_AT_LEAST = 500
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
    """

    path: Path
    start_seconds: float
    end_seconds: float
    score: float


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
        """The vectors of the catalogue's present generation, brought up to date at first use."""
        if self._vectors is None:
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
    ) -> list[SearchHit]:
        """Finds the moments, or the videos, that match a query best.

        Args:
            query: float32 (D,), of length 1.
            top: number of hits at most; 0 for all.
            by: `moment` folds overlapping windows of one event into a hit; `video` gives one hit a video.
            per_video: moments of one video at most; 0 for all.
            below: a glob that the video's path must match (see `path_matches`), or a folder above it.
            min_score: hits below this score are left out.
        """
        among = None if below is None else self._windows_below(below)
        total = len(self.vectors) if among is None else len(among)
        looked_at = max(LOOKED_AT_LEAST, top * LOOKED_AT_PER_HIT) if top else total
        while total:
            ids, scores = self.vectors.search(query, min(looked_at, total), among)
            hits = self._hits(self._windows(ids, scores), by, per_video)
            # What was not looked at scores no better than the worst one seen: enough hits are the best hits.
            if looked_at >= total or len(hits) >= top > 0 or scores[-1] < min_score:
                good = [hit for hit in hits if hit.score >= min_score]
                return good[:top] if top else good
            looked_at *= 4
        return []

    def _hits(
        self, windows: list[ScoredWindow], by: Literal["moment", "video"], per_video: int
    ) -> list[SearchHit]:
        by_video: dict[int, list[ScoredWindow]] = defaultdict(list)
        for window in windows:
            by_video[window.video_id].append(window)
        if by == "video":
            best = [max(group, key=lambda window: window.score) for group in by_video.values()]
        else:
            best = [
                moment
                for group in by_video.values()
                for moment in fold_into_moments(w for w in group if not w.is_whole)[: per_video or None]
            ]
        paths = self._paths({window.video_id for window in best})
        hits = [
            SearchHit(paths[window.video_id], window.start_seconds, window.end_seconds, window.score)
            for window in best
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.path, hit.start_seconds))

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
        return [ScoredWindow(row[1], row[2], row[3], score_of[row[0]], bool(row[4])) for row in rows]

    def _paths(self, video_ids: set[int]) -> dict[int, Path]:
        rows = self._rows("SELECT id, path FROM videos WHERE id IN ({})", sorted(video_ids))
        return {row[0]: decode_path(row[1]) for row in rows}

    def _rows(self, query: str, ids: list[int]) -> list[tuple[Any, ...]]:
        """Runs a query with `IN ({})` over any number of ids."""
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(ids), ROWS_PER_QUERY):
            part = ids[start : start + ROWS_PER_QUERY]
            rows += self.catalog.db.execute(query.format(",".join("?" * len(part))), part).fetchall()
        return rows


def path_matches(path: Path, pattern: str) -> bool:
    """Whether a path is meant by a glob or lies below a folder.

    `*` matches any characters, slashes too. A pattern without a leading slash may match from any folder on:
    `trips/*.mp4`, `*.mkv`, `holiday`. A pattern that names a folder on the way to the file matches as well.
    """
    anchored = pattern if pattern.startswith("/") else f"*/{pattern}"
    text = str(path)
    return fnmatch.fnmatchcase(text, anchored) or fnmatch.fnmatchcase(text, f"{anchored.rstrip('/')}/*")
