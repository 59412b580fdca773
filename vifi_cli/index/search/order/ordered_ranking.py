"""From an ordered query to its best hits: chains of windows, in which each step has its moment.

It looks at the best windows of each step, and at more and more of them, until no chain with a window that is left can
be better than those found: Fagin's threshold algorithm, where the best window of each step bounds a video's chains.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.search.folding import ScoredWindow, fold_into_moments, fold_near_duplicates
from vifi_cli.index.search.order.chains import (
    NOWHERE,
    Chain,
    DistanceCost,
    SeparateChains,
    StepWindows,
    without_after,
)
from vifi_cli.index.search.order.seen_windows import RankedWindows, SeenWindows, placed_windows
from vifi_cli.index.search.order.step_moments import MomentFinder, SoughtStep
from vifi_cli.index.search.ranking import (
    LEAST_WINDOWS,
    WINDOWS_PER_HIT,
    RankingOptions,
    with_duplicates_counted,
)
from vifi_cli.index.vectors import Vectors

SEEN_RELEVANCE = 0.5
"""From which relevance on a window shows what must not be seen."""

LEAST_RELEVANCE = 0.1
"""Of hits that are certain to be listed: a large index may hold others below it in place of those listed."""

MOST_WINDOWS = 32_000
"""Of a step that are looked at for the best hits: in a larger index, a step of a hit is among its best windows."""

LEAST_LOGGED = 1e-12
COST_OF_RELEVANCE = DistanceCost(-math.log(0.9), 300.0)
"""Five minutes or more between two steps cost a tenth of the product of their relevance."""
COST_OF_COSINES = DistanceCost(0.01, 300.0)


def relevance_of(found: ScoredWindow) -> float:
    """The relevance of a hit, or of the window of a step, of a ranking that is rated.

    That of a hit is the geometric mean over its steps: their product would be too cautious, as measured by
    `tests/benchmarks/ordered_search.py`.
    """
    return math.exp(found.score / max(len(found.steps), 1))


def _as_hit(video: int, chain: Chain) -> ScoredWindow:
    steps = tuple(
        ScoredWindow(video, each.start_seconds, each.end_seconds, each.score, window_id=each.id)
        for each in chain.windows
    )
    return ScoredWindow(video, chain.start_seconds, chain.end_seconds, chain.score, steps=steps)


@dataclass(frozen=True, eq=False)
class OrderedRanking:
    """An ordered query put to one state of a catalog and its vectors."""

    catalog: Catalog
    vectors: Vectors
    steps: Sequence[SoughtStep]  # the first is wanted, and those that are absent are rated
    among: Int64Array | None  # ids of the windows to look at; None for all
    options: RankingOptions

    def best(self) -> list[ScoredWindow]:
        """The best hits, best first: each spans its steps, and has the score of its chain."""
        top, total = self.options.hits_needed, len(self.vectors) if self.among is None else len(self.among)
        most = min(total, max(MOST_WINDOWS, top * WINDOWS_PER_HIT)) if top else total
        looked_at = max(LEAST_WINDOWS, top * WINDOWS_PER_HIT) if top else total
        while True:
            seen = self._look(min(looked_at, most))
            hits = self._folded(self._hits(seen))
            most_unseen = seen.most_unseen(self._are_settled(seen, hits))
            is_enough = bool(top) and len(hits) >= top and hits[-1].score >= most_unseen
            if is_enough or looked_at >= most or most_unseen <= self._least:
                return with_duplicates_counted(hits, self.options)[: self.options.top or None]
            looked_at *= 4

    @cached_property
    def wanted(self) -> list[SoughtStep]:
        """The steps that are to be seen."""
        return [step for step in self.steps if not step.is_absent]

    @cached_property
    def is_rated(self) -> bool:
        """Whether scores are logarithms of relevance, as opposed to cosines."""
        return all(step.rate for step in self.wanted)

    @property
    def _cost(self) -> DistanceCost:
        return COST_OF_RELEVANCE if self.is_rated else COST_OF_COSINES

    @property
    def _least(self) -> float:
        return len(self.wanted) * math.log(LEAST_RELEVANCE) if self.is_rated else -math.inf

    @property
    def _most_per_video(self) -> int:
        return 1 if self.options.by == "video" else self.options.per_video

    def score_of(self, step: SoughtStep, cosines: Float32Array) -> Float64Array:
        """What windows with these cosines (N,) add to a chain: float64 (N,)."""
        if not self.is_rated or step.rate is None:
            return cosines.astype(np.float64)
        relevance = step.rate(self.vectors, step.embedding, cosines)
        return np.log(np.maximum(relevance, LEAST_LOGGED))

    def _look(self, count: int) -> SeenWindows:
        ranked = []
        for step in self.wanted:
            ids, cosines = self.vectors.search(step.embedding, count, self.among)
            ranked.append(RankedWindows(ids, self.score_of(step, cosines)))
        return SeenWindows(placed_windows(self.catalog, ranked), np.array([step.least for step in ranked]))

    def _hits(self, seen: SeenWindows) -> Iterator[ScoredWindow]:
        """The hits of seen windows, best first: a video is looked into when its bound is the best that is left."""
        # of equal scores, bounds (0) are before chains (1), so that videos keep their order
        heap: list[tuple[float, int, int, int, SeparateChains | None]] = [
            (-most, 0, video, 0, None)
            for most, video in zip(seen.most_of_seen.tolist(), seen.videos.tolist(), strict=True)
            if most > -math.inf
        ]
        heapq.heapify(heap)
        while heap:
            _, _, video, taken, chains = heapq.heappop(heap)
            if chains is None:
                chains = self._chains_of(video, seen)
            else:
                yield _as_hit(video, chains.take())
                taken += 1
            if chains.next_score > -math.inf and (not self._most_per_video or taken < self._most_per_video):
                heapq.heappush(heap, (-chains.next_score, 1, video, taken, chains))

    def _chains_of(self, video: int, seen: SeenWindows) -> SeparateChains:
        steps = [
            placed.of_video(video, step.within_seconds, barriers.get(video, NOWHERE))
            for step, placed, barriers in zip(self.wanted, seen.steps, self._barriers, strict=True)
        ]
        if self.ends_with_moment:
            steps[-1] = self._as_moments(video, steps[-1])
        for step, barriers in self._absent_at_last:
            steps[-1] = without_after(steps[-1], barriers.get(video, NOWHERE), step.within_seconds)
        finder = MomentFinder(self.catalog, self.vectors, self.wanted, self.ends_with_moment, video)
        return SeparateChains(steps, self._cost, finder.with_moments)

    @property
    def ends_with_moment(self) -> bool:
        """Whether hits end with a moment, as opposed to a window: where something must not follow its end."""
        return self.steps[-1].is_absent

    def _as_moments(self, video: int, windows: StepWindows) -> StepWindows:
        """The moments of the last wanted step in place of its windows: what comes after it begins where it ends."""
        embedding = self.wanted[-1].embedding
        cosines = self.vectors.cosines(embedding, windows.ids).tolist()
        score_of = dict(zip(windows.ids.tolist(), windows.scores.tolist(), strict=True))
        rows = zip(windows.starts.tolist(), windows.ends.tolist(), cosines, windows.ids.tolist(), strict=True)
        moments = fold_into_moments(
            (ScoredWindow(video, start, end, cosine, window_id=one) for start, end, cosine, one in rows),
            background=float(embedding @ self.vectors.mean),
        )
        ids = np.array([moment.window_id for moment in moments], np.int64)
        starts, ends = (
            np.array([getattr(moment, edge) for moment in moments], np.float64)
            for edge in ("start_seconds", "end_seconds")
        )
        scores = np.array([score_of[one] for one in ids.tolist()], np.float64)
        return replace(windows, ids=ids, starts=starts, ends=ends, scores=scores)

    def _are_settled(self, seen: SeenWindows, hits: Iterable[ScoredWindow]) -> BoolArray:
        """Whether each video's hits (V,) stay the same, whatever windows were not looked at."""
        scores: dict[int, list[float]] = defaultdict(list)
        for hit in (shown for best in hits for shown in (best, *best.duplicates)):
            scores[hit.video_id].append(hit.score)
        full = self._most_per_video or math.inf
        bounds = zip(seen.videos.tolist(), seen.most_of_others.tolist(), strict=True)
        settled = [len(scores[video]) == full and min(scores[video]) >= most for video, most in bounds]
        return np.array(settled, np.bool_)

    def _folded(self, hits: Iterator[ScoredWindow]) -> list[ScoredWindow]:
        most = self.options.hits_needed or None
        if not self.options.fold_duplicates:
            return list(islice(hits, most))
        return fold_near_duplicates(hits, self._embed, most=most)

    def _embed(self, hit: ScoredWindow) -> Float32Array:
        return self.catalog.embedding_of(hit.video_id, hit.start_seconds, hit.end_seconds)

    @cached_property
    def _barriers(self) -> list[dict[int, Float64Array]]:
        """For each wanted step, when something is seen in a video that must not be between it and the one before."""
        barriers: list[dict[int, Float64Array]] = []
        absent: list[SoughtStep] = []
        for step in self.steps:
            if step.is_absent:
                absent.append(step)
            else:
                barriers.append(self._times_of(absent))
                absent = []
        return barriers

    @cached_property
    def _absent_at_last(self) -> list[tuple[SoughtStep, dict[int, Float64Array]]]:
        """The steps that must not be seen after the last wanted one, and when they are seen in each video."""
        wanted = [place for place, step in enumerate(self.steps) if not step.is_absent]
        return [(step, self._times_of([step])) for step in self.steps[wanted[-1] + 1 :]]

    def _times_of(self, absent: Sequence[SoughtStep]) -> dict[int, Float64Array]:
        """The middles of all windows that show one of these steps, ascending, by video."""
        if not absent:
            return {}
        placed = placed_windows(self.catalog, [self._all_that_show(step) for step in absent])
        videos = np.concatenate([each.videos for each in placed])
        times = np.concatenate([(each.starts + each.ends) / 2 for each in placed])
        return {int(video): np.sort(times[videos == video]) for video in np.unique(videos)}

    def _all_that_show(self, step: SoughtStep) -> RankedWindows:
        assert step.rate
        total = len(self.vectors) if self.among is None else len(self.among)
        count = LEAST_WINDOWS
        while True:
            ids, cosines = self.vectors.search(step.embedding, min(count, total), self.among)
            relevance = step.rate(self.vectors, step.embedding, cosines)
            shows = relevance >= SEEN_RELEVANCE
            if count >= total or not shows.all():
                return RankedWindows(ids[shows], relevance[shows])
            count *= 4
