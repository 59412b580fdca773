"""An index as a searcher sees it: the catalog and its vectors together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Literal, Self

import numpy as np

from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.relevance.calibration import Rater
from vifi_cli.index.search.folding import ScoredWindow
from vifi_cli.index.search.order.ordered_ranking import OrderedRanking, relevance_of
from vifi_cli.index.search.order.step_moments import SoughtStep
from vifi_cli.index.search.ranking import Ranking, RankingOptions
from vifi_cli.index.vectors import Vectors, open_vectors, vectors_in_memory
from vifi_cli.wording import ScoreName, clock, score_text

ATTEMPTS = 3
TIME_DIGITS = 6
"""Sums of frame times come out as 7.999999999999999; no file is more exact than a microsecond."""

USUAL_OPTIONS = RankingOptions()


@dataclass(frozen=True, slots=True)
class StepMoment:
    """Where a step of an ordered query is seen."""

    query: str  # the step as its user wrote it
    start_seconds: float
    end_seconds: float
    cosine: float
    relevance: float | None = None


@dataclass(frozen=True, slots=True, repr=False)
class SearchHit:
    """A moment that matches a query, or a video."""

    path: Path
    start_seconds: float
    end_seconds: float
    cosine: float  # between the query's and the moment's embedding, in -1..1; of several steps, their mean
    # estimated probability that it shows what was asked for, in 0..1; None where hits are not rated
    relevance: float | None = None
    # how many hits that look nearly the same are folded into this one; None if none were to be
    duplicates: int | None = None
    # below the threshold, and shown because the search found nothing likely
    unsure: bool = False
    # a moment that the user has marked right for the concept searched for, and so nothing that the search has found
    marked: Literal["right"] | None = None
    # of an ordered query, the moment of each step, in order; the hit begins with the first and ends with the last
    steps: tuple[StepMoment, ...] = ()

    def __repr__(self) -> str:
        remark = ", unsure" if self.unsure else ", marked right" if self.marked else ""
        number = f"{self.score_name.lower()} {score_text(self.number_shown)}{remark}"
        return f"SearchHit({self.path.name} {clock(self.start_seconds)}–{clock(self.end_seconds)}, {number})"

    @property
    def score_name(self) -> ScoreName:
        """What the number shown is."""
        return "Cosine" if self.relevance is None else "Relevance"

    @property
    def number_shown(self) -> float:
        """Its relevance, or the cosine where hits are not rated."""
        return self.cosine if self.relevance is None else self.relevance


def name_of_number(hits: Sequence[SearchHit]) -> ScoreName:
    """What the numbers shown for these hits are."""
    return "Cosine" if any(hit.relevance is None for hit in hits) else "Relevance"


class VideoIndex:
    """An index that can be searched. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Opens the index in a folder; raises IndexMissing or IndexDamaged."""
        self.catalog = Catalog(folder / CATALOG_FILE)
        self._vectors: Vectors | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.catalog.close()

    @property
    def vectors(self) -> Vectors:
        """The vectors of the catalog's present revision, brought up to date where it has changed."""
        if self._vectors is None or self._vectors.revision != self.catalog.revision:
            self._vectors = open_vectors(self.catalog)
        return self._vectors

    def search(
        self, query: Float32Array, options: RankingOptions = USUAL_OPTIONS, rate: Rater | None = None
    ) -> list[SearchHit]:
        """Finds the moments, or the videos, that match a query (D,) of length 1 best, best first."""
        return self._in_one_state(lambda vectors: self._search(query, vectors, options, rate))

    def search_in_order(
        self, steps: Sequence[SoughtStep], options: RankingOptions = USUAL_OPTIONS
    ) -> list[SearchHit]:
        """Finds the parts of videos that show the wanted steps one after the other, best first."""
        return self._in_one_state(lambda vectors: self._search_in_order(steps, vectors, options))

    def _in_one_state(self, search: Callable[[Vectors], list[SearchHit]]) -> list[SearchHit]:
        """Searches the catalog and the vectors of one state of it."""
        for _ in range(ATTEMPTS):
            vectors = self.vectors
            with self.catalog.snapshot():
                if vectors.revision == self.catalog.revision:
                    return search(vectors)
        with self.catalog.snapshot():  # the index changes faster than a vector file can be made
            return search(vectors_in_memory(self.catalog))

    def _search_in_order(
        self, steps: Sequence[SoughtStep], vectors: Vectors, options: RankingOptions
    ) -> list[SearchHit]:
        among = self.catalog.window_ids_among(options.among)
        ranking = OrderedRanking(self.catalog, vectors, steps, among, options)
        found = ranking.best()
        paths = self.catalog.paths_of(hit.video_id for hit in found)
        return [_ordered_hit(paths[hit.video_id], hit, ranking) for hit in found]

    def _search(
        self, query: Float32Array, vectors: Vectors, options: RankingOptions, rate: Rater | None
    ) -> list[SearchHit]:
        among = self.catalog.window_ids_among(options.among)
        found = Ranking(self.catalog, vectors, query, among, options).best()
        hits = rated_hits(self.catalog, vectors, query, found, rate)
        if not options.fold_duplicates:
            return hits
        return [replace(hit, duplicates=len(one.duplicates)) for hit, one in zip(hits, found, strict=True)]


def rated_hits(
    catalog: Catalog,
    vectors: Vectors,
    query: Float32Array,
    found: Sequence[ScoredWindow],
    rate: Rater | None,
) -> list[SearchHit]:
    """Moments that a query has found as hits, each with its relevance if there is a way to rate it."""
    cosines = np.array([one.score for one in found], np.float32)
    relevance = rate(vectors, query, cosines).tolist() if rate and found else [None] * len(found)
    paths = catalog.paths_of(one.video_id for one in found)
    return [
        SearchHit(
            paths[one.video_id],
            round(one.start_seconds, TIME_DIGITS),
            round(one.end_seconds, TIME_DIGITS),
            one.score,
            relevant,
        )
        for one, relevant in zip(found, relevance, strict=True)
    ]


def _ordered_hit(path: Path, found: ScoredWindow, ranking: OrderedRanking) -> SearchHit:
    """A hit of an ordered query, whose scores are those of its chain."""
    steps = [
        StepMoment(
            step.text,
            round(moment.start_seconds, TIME_DIGITS),
            round(moment.end_seconds, TIME_DIGITS),
            float(ranking.vectors.cosines(step.embedding, np.array([moment.window_id]))[0]),
            relevance_of(moment) if ranking.is_rated else None,
        )
        for step, moment in zip(ranking.wanted, found.steps, strict=True)
    ]
    return SearchHit(
        path,
        steps[0].start_seconds,
        steps[-1].end_seconds,
        cosine=fmean(step.cosine for step in steps),
        relevance=relevance_of(found) if ranking.is_rated else None,
        duplicates=len(found.duplicates) if ranking.options.fold_duplicates else None,
        steps=tuple(steps),
    )
