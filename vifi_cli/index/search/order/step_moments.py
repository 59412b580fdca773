"""Where each step of a hit is: from the window that was found to the moment it shows, between its neighbors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.relevance.calibration import Rater
from vifi_cli.index.search.folding import ScoredWindow, moment_around
from vifi_cli.index.search.order.chains import Chain, ChainWindow, Room
from vifi_cli.index.search.ranking import NEAR_SECONDS
from vifi_cli.index.vectors import Vectors


@dataclass(frozen=True, slots=True, eq=False)
class SoughtStep:
    """A step of an ordered query, ready to be compared with windows."""

    text: str  # as its user wrote it
    embedding: Float32Array  # (D,), of length 1
    rate: Rater | None = None  # None where windows have cosines alone
    within_seconds: float = math.inf  # as in `query.Step`
    is_absent: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class MomentFinder:
    """Finds the moments of steps in one video."""

    catalog: Catalog
    vectors: Vectors
    steps: Sequence[SoughtStep]  # that are to be seen
    is_last_found: bool  # whether the last step of a chain is a moment already
    video_id: int

    def with_moments(self, chain: Chain, room: Room) -> Chain:
        """A chain with moments in place of windows: they share no second, and follow each other in time."""
        windows = [
            replace(self._scored(window), score=self._cosine(step, window))
            for step, window in zip(self.steps, chain.windows, strict=True)
        ]
        next_starts = [*(window.start_seconds for window in windows[1:]), room[1]]
        moments: list[ScoredWindow] = []
        for step, window, free_to in zip(self.steps, windows, next_starts, strict=True):
            if self.is_last_found and window is windows[-1]:
                moments.append(window)
                continue
            free_from = moments[-1].end_seconds if moments else room[0]
            near = self._windows_near(step, window, (free_from, free_to))
            moments.append(moment_around(window, near, float(step.embedding @ self.vectors.mean)))
        shown = moments if self._are_in_time(moments) else windows
        return replace(
            chain,
            windows=tuple(
                replace(window, start_seconds=moment.start_seconds, end_seconds=moment.end_seconds)
                for window, moment in zip(chain.windows, shown, strict=True)
            ),
        )

    def _scored(self, window: ChainWindow) -> ScoredWindow:
        return ScoredWindow(
            self.video_id, window.start_seconds, window.end_seconds, window.score, window_id=window.id
        )

    def _cosine(self, step: SoughtStep, window: ChainWindow) -> float:
        return float(self.vectors.cosines(step.embedding, np.array([window.id]))[0])

    def _windows_near(self, step: SoughtStep, window: ScoredWindow, room: Room) -> list[ScoredWindow]:
        """The other windows around the window of a step, within a room."""
        start, end = window.start_seconds - NEAR_SECONDS, window.end_seconds + NEAR_SECONDS
        ids = self.catalog.window_ids_near(self.video_id, start, end)
        cosines = self.vectors.cosines(step.embedding, ids).tolist()
        score_of = dict(zip(ids.tolist(), cosines, strict=True))
        return [
            ScoredWindow(video, begin, stop, score_of[window_id], window_id=window_id)
            for window_id, video, begin, stop, _ in self.catalog.windows(ids)
            if begin >= room[0] and stop <= room[1] and window_id != window.window_id
        ]

    def _are_in_time(self, moments: Sequence[ScoredWindow]) -> bool:
        return all(
            later.start_seconds - earlier.end_seconds <= step.within_seconds
            for step, (earlier, later) in zip(self.steps[1:], pairwise(moments), strict=True)
        )
