"""What an index answers to queries about moments, and the measures of each answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vifi_cli.api.evaluation.searched.moment_search import MomentSearch, moment_search
from vifi_cli.api.evaluation.searched.tested_index import embedded
from vifi_cli.api.evaluation.searched.tested_queries import AnswerableQueries
from vifi_cli.api.feedback import Feedback
from vifi_cli.evaluation.moments.predictions import PredictedMoment
from vifi_cli.evaluation.moments.queries import MomentQuery
from vifi_cli.evaluation.moments.reachable import best_reachable_iou
from vifi_cli.evaluation.moments.scoring import measures_of_query, overlaps
from vifi_cli.evaluation.moments.segments import candidates, segment_measures
from vifi_cli.evaluation.scoring.confidence_intervals import Floats
from vifi_cli.index.arrays import Float32Array, Int64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.search.folding import LONGEST_MOMENT_SECONDS

Scope = Literal["own video", "tested videos", "index"]
"""Where a query is asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Queries with true windows in their videos, and what a search gave for each, best first.

    `measures` (Q, M) are those of each query, and `reachable` (Q,) the best IoU that moments of this index could have
    with its true windows; empty for DiDeMo, whose candidates include the true ones.
    """

    asked: AnswerableQueries
    moments: tuple[tuple[PredictedMoment, ...], ...] = field(repr=False)
    measures: Floats = field(repr=False)
    reachable: Floats = field(repr=False)


def answer(
    asked: AnswerableQueries, catalog: Catalog, text: TextEncoder, scope: Scope, feedback: Feedback
) -> Answers:
    """Searches for the moments of each query; for DiDeMo, it ranks all segments of the query's video."""
    texts = list(dict.fromkeys(query.text for query in asked.queries))
    with feedback.busy(f"Embedding {len(texts):,} queries with {text.model_name}"):
        embeddings = dict(zip(texts, embedded(texts, text), strict=True))
    moments, measures, reachable = [], [], []
    with (
        moment_search(catalog) as search,
        feedback.task(f"Searching with {text.model_name}", len(asked.queries), "queries") as report,
    ):
        asker = _Asker(search, asked, scope)
        for done, query in enumerate(asked.queries, start=1):
            found = asker.moments_of(query, embeddings[query.text])
            moments.append(found)
            measures.append(_measures(query, found))
            reachable += asker.reachable(query)
            report(done)
    return Answers(asked, tuple(moments), np.array(measures), np.array(reachable))


class _Asker:
    """Asks a search for the moments of queries in their scope."""

    def __init__(self, search: MomentSearch, asked: AnswerableQueries, scope: Scope) -> None:
        self._search, self._asked, self._scope = search, asked, scope
        self._among: Int64Array | None = None
        if scope == "tested videos":
            self._among = search.catalog.window_ids_of(sorted(set(asked.ids.values())))
        self._edges: dict[str, Floats] = {}  # of the moments of a video

    def moments_of(self, query: MomentQuery, embedding: Float32Array) -> tuple[PredictedMoment, ...]:
        video, search = self._asked.ids[query.video], self._search
        if query.segments:
            parts = candidates(query.segments)
            scores = search.scores_of(embedding, video, parts)
            found = [
                PredictedMoment(query.video, *part) for part in np.column_stack((parts, scores)).tolist()
            ]
            return tuple(sorted(found, key=lambda each: -each.score))
        own = self._scope == "own video"
        best = search.in_video(embedding, video) if own else search.in_videos(embedding, self._among)
        names = {**self._asked.names, video: query.video}  # queries may spell one file differently
        return tuple(
            PredictedMoment(names[each.video_id], each.start_seconds, each.end_seconds, each.score)
            for each in best
        )

    def reachable(self, query: MomentQuery) -> list[float]:
        if query.segments:
            return []
        if query.video not in self._edges:
            self._edges[query.video] = self._search.edges(self._asked.ids[query.video])
        return [best_reachable_iou(self._edges[query.video], query.true_windows, LONGEST_MOMENT_SECONDS)]


def _measures(query: MomentQuery, found: Sequence[PredictedMoment]) -> Floats:
    bounds = np.array([(each.start_seconds, each.end_seconds) for each in found]).reshape(-1, 2)
    scores = np.array([each.score for each in found])
    if query.segments:
        return segment_measures(scores, bounds, query.true_windows)
    is_own = np.array([each.video == query.video for each in found], np.bool_)
    return measures_of_query(np.where(is_own[:, None], overlaps(bounds, query.true_windows), 0.0), scores)
