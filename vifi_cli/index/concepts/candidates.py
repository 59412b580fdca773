"""Which moments to ask about next: first the most relevant ones, then those whose answers teach most.

The most relevant moments of a description are often all wrong, or all right. Marks of one kind teach nothing, so what
differs most from all that is marked comes next, until both kinds are known. From then on, the most relevant moments by
the learned query show its errors. Where most of these are right, those near the border between right and wrong do.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.learning import MarkedWindows
from vifi_cli.index.search.folding import ScoredWindow, fold_into_moments
from vifi_cli.index.search.ranking import Place
from vifi_cli.index.vectors import Vectors

POOL_WINDOWS = 1000
"""How many of the most relevant windows moments are chosen from."""

LONGEST_SECONDS = 8.0
"""A short moment shows one thing, so that an answer is right for all of it."""

FIRST_BY_RELEVANCE = 3
"""How many of the most relevant moments come first, whatever the answers are."""

NEARLY_EQUAL = 0.97
"""The cosine, after the index's mean is subtracted, from which on two moments look the same to the encoder."""

SAME_VIDEO_LOSS = 0.5
"""How much each mark in a video counts against its other moments, in standard deviations of the scores."""


@dataclass(frozen=True, slots=True)
class Known:
    """What has been asked already."""

    marked: MarkedWindows
    taken: Sequence[Place] = ()  # parts of videos that are not asked about again: marked or skipped


def candidate_moments(
    catalog: Catalog,
    vectors: Vectors,
    query: Float32Array,
    known: Known,
    count: int,
    can_be_watched: Callable[[int], bool] = lambda _video_id: True,
) -> list[ScoredWindow]:
    """The `count` moments to ask about next, or fewer, for the present query (D,) of length 1.

    No moment overlaps one that was asked about, or looks the same as it or as another of these.
    """
    moments = _pool(catalog, vectors, query, known.taken) if len(vectors) else []
    if not moments:
        return []
    videos = np.array([one.video_id for one in moments], np.int64)
    embeddings = _centered(vectors.embeddings(np.array([one.window_id for one in moments])), vectors.mean)
    seen = [catalog.embedding_of(one.video_id, one.start_seconds, one.end_seconds) for one in known.taken]
    choice = _Choice(
        np.array([one.score for one in moments]),
        videos,
        embeddings,
        known.marked.is_right,
        known.marked.embeddings.astype(np.float64) @ query,
        likeness=np.full(len(moments), -1.0, np.float32),
        asked_in_video=np.zeros(len(moments), np.int64),
    )
    for asked, embedding in zip(known.taken, seen, strict=True):
        choice.note_asked(asked.video_id, _centered(embedding[None], vectors.mean)[0])
    chosen: list[ScoredWindow] = []
    while len(chosen) < count and (place := choice.next()) is not None:
        if can_be_watched(moments[place].video_id):
            choice.take(place)
            chosen.append(moments[place])
        else:
            choice.leave_out_video(place)
    return chosen


@dataclass(slots=True)
class _Choice:
    """Moments (P), of which some are chosen one after the other."""

    scores: Float64Array  # (P,)
    videos: Int64Array  # (P,)
    embeddings: Float32Array  # (P, D), centered
    is_right: BoolArray  # (M,), of the marks
    marked_scores: Float64Array  # (M,)
    likeness: Float32Array  # (P,): the highest cosine with a moment that was asked about
    asked_in_video: Int64Array  # (P,): how many of these are in the moment's video
    taken: int = 0

    def next(self) -> int | None:
        """The place of the moment to ask about; None if all look like something that was asked."""
        is_open = self.likeness < NEARLY_EQUAL
        return int(np.where(is_open, self._value(), -np.inf).argmax()) if is_open.any() else None

    def take(self, place: int) -> None:
        """Chooses a moment."""
        self.note_asked(int(self.videos[place]), self.embeddings[place])
        self.likeness[place] = np.inf
        self.taken += 1

    def note_asked(self, video_id: int, embedding: Float32Array) -> None:
        """Notes that a moment of a video with a centered embedding (D,) is or was asked about."""
        self.likeness = np.maximum(self.likeness, self.embeddings @ embedding)
        self.asked_in_video += self.videos == video_id

    def leave_out_video(self, place: int) -> None:
        """Chooses nothing from the video of a moment."""
        self.likeness[self.videos == self.videos[place]] = np.inf

    def _value(self) -> Float64Array:
        """How much the answer to each moment is wanted (P,)."""
        right, wrong = int(self.is_right.sum()), int((~self.is_right).sum())
        if not (right and wrong) and right + wrong + self.taken >= FIRST_BY_RELEVANCE:
            return -self.likeness.astype(np.float64)
        value = self.scores
        if right > wrong > 0:
            of_right, of_wrong = self.marked_scores[self.is_right], self.marked_scores[~self.is_right]
            value = -np.abs(self.scores - (of_right.mean() + of_wrong.mean()) / 2)
        return value - SAME_VIDEO_LOSS * float(self.scores.std()) * self.asked_in_video


def _pool(
    catalog: Catalog, vectors: Vectors, query: Float32Array, taken: Sequence[Place]
) -> list[ScoredWindow]:
    """The most relevant short moments that overlap nothing that was asked about."""
    seen = [catalog.window_ids_near(one.video_id, one.start_seconds, one.end_seconds) for one in taken]
    without = np.unique(np.concatenate(seen)) if seen else None
    ids, scores = vectors.search(query, POOL_WINDOWS, without=without)
    score_of = dict(zip(ids.tolist(), scores.tolist(), strict=True))
    by_video: dict[int, list[ScoredWindow]] = defaultdict(list)
    for window_id, video_id, start, end, is_whole in catalog.windows(ids):
        if not is_whole and end - start <= LONGEST_SECONDS:
            window = ScoredWindow(video_id, start, end, score_of[window_id], window_id=window_id)
            by_video[video_id].append(window)
    background = float(query @ vectors.mean)
    return [
        moment
        for windows in by_video.values()
        for moment in fold_into_moments(windows, background=background, longest_seconds=LONGEST_SECONDS)
    ]


def _centered(embeddings: Float32Array, mean: Float32Array) -> Float32Array:
    """Embeddings (N, D) without what all moments of the index have in common, of length 1."""
    rest = embeddings - mean
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    unit: Float32Array = np.divide(rest, lengths, out=np.zeros_like(rest), where=lengths > 0)
    return unit
