"""An index as a searcher sees it: the catalogue and its vectors together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog, decode_path
from vifi_cli.index.relevance.calibration import Rater
from vifi_cli.index.relevance.relevance import WORTH_SHOWING
from vifi_cli.index.search.near_duplicates import FoldedHit
from vifi_cli.index.search.ranking import Place, Ranking, Wanted, rows_of
from vifi_cli.index.search.video_filter import VideoFilter
from vifi_cli.index.vectors import Vectors, open_vectors, vectors_in_memory

ATTEMPTS = 3
EVERY_VIDEO = VideoFilter()


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A moment that matches a query, or a whole video.

    Attributes:
        path: the video.
        start_seconds: where the moment begins.
        end_seconds: where it ends.
        score: cosine between the query's and the moment's embedding, in -1..1.
        relevance: estimated probability that it shows what was asked for, in 0..1; None where hits are not rated.
        duplicates: how many worse hits look nearly the same and are folded into this one, if that was asked for.
    """

    path: Path
    start_seconds: float
    end_seconds: float
    score: float
    relevance: float | None = None
    duplicates: int | None = None

    @property
    def number_shown(self) -> float:
        """What is told of it: how relevant it is, or where hits are not rated the cosine."""
        return self.score if self.relevance is None else self.relevance


def relevant_among(hits: Sequence[SearchHit], least: float | None = None) -> list[SearchHit]:
    """The hits that are worth showing, or whose number is no less than what was asked for; those not rated all are."""
    if least is None:
        return [hit for hit in hits if hit.relevance is None or hit.relevance >= WORTH_SHOWING]
    return [hit for hit in hits if hit.number_shown >= least]


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
        among: VideoFilter = EVERY_VIDEO,
        without: Place | None = None,
        fold_duplicates: bool = False,
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
            among: what else the videos that are looked at have in common.
            without: a stretch of which no moment shows anything; its video is no hit either.
            fold_duplicates: of hits that look nearly the same, only the best is one (see `near_duplicates`).
            rate: says how relevant hits are.
        """
        wanted = Wanted(
            top=top,
            by=by,
            per_video=per_video,
            min_score=min_score,
            without=without,
            fold_duplicates=fold_duplicates,
        )
        for _ in range(ATTEMPTS):
            vectors = self.vectors
            with self.catalog.snapshot():
                if vectors.revision == self.catalog.revision:
                    return self._search(query, vectors, self._windows_among(among, below), wanted, rate)
        with self.catalog.snapshot():  # the index changes faster than a vector file can be made
            vectors = vectors_in_memory(self.catalog)
            return self._search(query, vectors, self._windows_among(among, below), wanted, rate)

    def _search(
        self,
        query: npt.NDArray[np.float32],
        vectors: Vectors,
        among: npt.NDArray[np.int64] | None,
        wanted: Wanted,
        rate: Rater | None,
    ) -> list[SearchHit]:
        ranking = Ranking(self.catalog, vectors, query, among, wanted)
        found = [folded for folded in ranking.best() if folded.hit.score >= wanted.min_score]
        relevance = _relevance(found, vectors, rate) if rate and found else [None] * len(found)
        return self._with_paths(found, relevance, wanted)

    def _windows_among(self, among: VideoFilter, below: str | None) -> npt.NDArray[np.int64] | None:
        videos = among.videos_of(self.catalog, below)
        if videos is None:
            return None
        rows = rows_of(self.catalog, "SELECT id FROM windows WHERE video_id IN ({})", videos)
        return np.array([row[0] for row in rows], np.int64)

    def _with_paths(
        self, found: list[FoldedHit], relevance: Sequence[float | None], wanted: Wanted
    ) -> list[SearchHit]:
        videos = sorted({folded.hit.video_id for folded in found})
        rows = rows_of(self.catalog, "SELECT id, path FROM videos WHERE id IN ({})", videos)
        paths = {row[0]: decode_path(row[1]) for row in rows}
        return [
            SearchHit(
                path=paths[folded.hit.video_id],
                start_seconds=folded.hit.start_seconds,
                end_seconds=folded.hit.end_seconds,
                score=folded.hit.score,
                relevance=relevant,
                duplicates=len(folded.duplicates) if wanted.fold_duplicates else None,
            )
            for folded, relevant in zip(found, relevance, strict=True)
        ]


def _relevance(found: list[FoldedHit], vectors: Vectors, rate: Rater) -> list[float]:
    """The relevance of hits, the nearest first, by the windows that they were found by."""
    ids = np.array([folded.hit.window_id for folded in found], np.int64)
    cosines = np.array([folded.hit.score for folded in found], np.float32)
    relevance: list[float] = rate(vectors, ids, cosines).tolist()
    return relevance
