"""The best windows of each step of an ordered query, by video, and what those not looked at could add."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float64Array, Int64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.search.order.chains import StepWindows


@dataclass(frozen=True, slots=True, eq=False)
class RankedWindows:
    """The best windows of a step: (N,) each, best first."""

    ids: Int64Array
    scores: Float64Array

    @property
    def least(self) -> float:
        """What a window that is not among them scores at most."""
        return float(self.scores[-1]) if len(self.scores) else -np.inf


@dataclass(frozen=True, slots=True, eq=False)
class PlacedWindows:
    """Windows of a step with their places: (N,) each, in the order of their videos, and of one video best first."""

    videos: Int64Array
    ids: Int64Array
    starts: Float64Array  # seconds
    ends: Float64Array
    scores: Float64Array

    def of_video(self, video_id: int, within_seconds: float, barriers: Float64Array) -> StepWindows:
        """The windows of one video, with what limits their distance from those of the step before."""
        first, stop = np.searchsorted(self.videos, (video_id, video_id + 1))
        here = slice(int(first), int(stop))
        return StepWindows(
            self.ids[here], self.starts[here], self.ends[here], self.scores[here], within_seconds, barriers
        )


@dataclass(frozen=True, eq=False)
class SeenWindows:
    """The windows of all steps that were looked at."""

    steps: Sequence[PlacedWindows]
    least: Float64Array  # (S,) what a window of each step that was not looked at scores at most

    @cached_property
    def videos(self) -> Int64Array:
        """The ids of the videos that have one (V,)."""
        return np.unique(np.concatenate([step.videos for step in self.steps]))

    @cached_property
    def _best(self) -> Float64Array:
        """The score of the best window seen of each video and step (V, S); -inf where there is none."""
        best = np.full((len(self.videos), len(self.steps)), -np.inf)
        for number, step in enumerate(self.steps):
            videos, first = np.unique(step.videos, return_index=True)
            best[np.searchsorted(self.videos, videos), number] = step.scores[first]
        return best

    @cached_property
    def most_of_seen(self) -> Float64Array:
        """What a chain of seen windows scores at most in each video (V,); -inf where a step has no window."""
        most: Float64Array = self._best.sum(axis=1)
        return most

    @cached_property
    def most_of_others(self) -> Float64Array:
        """What a chain with at least one window that was not looked at scores at most in each video (V,)."""
        best = np.maximum(self._best, self.least)
        with_another = best.sum(axis=1)[:, None] - best + self.least
        most: Float64Array = with_another.max(axis=1)
        return most

    def most_unseen(self, settled: BoolArray) -> float:
        """What a chain that is not known yet scores at most, outside the settled videos (V,)."""
        return float(self.most_of_others[~settled].max(initial=self.least.sum()))


def placed_windows(catalog: Catalog, steps: Sequence[RankedWindows]) -> list[PlacedWindows]:
    """The windows of each step that stand for moments, with their places."""
    ids = np.unique(np.concatenate([step.ids for step in steps]))
    rows = np.array(catalog.windows(ids), np.float64).reshape(-1, 5)  # id, video, start, end, is whole
    rows = rows[rows[:, 0].argsort()]
    placed = []
    for step in steps:
        places = np.searchsorted(rows[:, 0], step.ids)
        is_moment = rows[places, 4] == 0
        found, scores, ids = rows[places[is_moment]], step.scores[is_moment], step.ids[is_moment]
        videos = found[:, 1].astype(np.int64)
        order = videos.argsort(kind="stable")
        placed.append(
            PlacedWindows(videos[order], ids[order], found[order, 2], found[order, 3], scores[order])
        )
    return placed
