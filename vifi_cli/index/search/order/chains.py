"""Chains: windows of one video, one for each step of an ordered query, in the order of time. Arithmetic only.

The best chain ends with some window of the last step, and its part before that is the best one that ends early enough:
dynamic programming, step by step. DANTE (arXiv 2512.13169) joins the scenes of a video in the same way. The best of
the windows before is the greatest number in a range, since windows of one length begin and end in the same order. With
N windows and few lengths this takes time proportional to N log N.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float64Array, Int64Array

LENGTH_DIGITS = 6
NOWHERE = np.empty(0, np.float64)
Room = tuple[float, float]
"""The seconds between which there is room for a chain."""
EVERYWHERE: Room = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True, eq=False)
class StepWindows:
    """Windows of one video that may show a step: (N,) each."""

    ids: Int64Array
    starts: Float64Array  # seconds
    ends: Float64Array
    scores: Float64Array  # what each adds to a chain
    within_seconds: float = math.inf  # after the end of the step before, to its begin
    # ascending seconds at which something is seen that must not be between the middles of this step and the one before
    barriers: Float64Array = field(default_factory=lambda: NOWHERE)

    def part(self, chosen: BoolArray) -> "StepWindows":
        """Some of these windows."""
        ids, starts, ends = self.ids[chosen], self.starts[chosen], self.ends[chosen]
        return StepWindows(ids, starts, ends, self.scores[chosen], self.within_seconds, self.barriers)

    def window(self, place: int) -> "ChainWindow":
        """The window at a place."""
        start, end = float(self.starts[place]), float(self.ends[place])
        return ChainWindow(start, end, float(self.scores[place]), int(self.ids[place]))


@dataclass(frozen=True, slots=True)
class DistanceCost:
    """What a chain loses by time between two steps: of equal chains, the one whose steps are closer together is better.

    It grows evenly, up to `most` at `seconds` or more.
    """

    most: float = 0.0
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class ChainWindow:
    """The window of a step in a chain."""

    start_seconds: float
    end_seconds: float
    score: float
    id: int


@dataclass(frozen=True, slots=True)
class Chain:
    """One window for each step."""

    score: float  # the sum over its windows, less the cost of distance
    windows: tuple[ChainWindow, ...]

    @property
    def start_seconds(self) -> float:
        """Where the first step begins."""
        return self.windows[0].start_seconds

    @property
    def end_seconds(self) -> float:
        """Where the last step ends."""
        return self.windows[-1].end_seconds


class SeparateChains:
    """The chains of a video: the best one, then the best of those that share no second with one before, and so on.

    Windows of a chain share no second either: one that shows both steps does not show them one after the other.
    """

    def __init__(
        self,
        steps: Sequence[StepWindows],
        cost: DistanceCost,
        located: Callable[[Chain, Room], Chain] = lambda chain, _: chain,
    ) -> None:
        """`located` gives the moments of a chain in place of its windows; the next ones share no second with those."""
        self._steps, self._cost, self._located = steps, cost, located
        self._waiting: list[tuple[Chain, Room]] = []
        self._look_in(EVERYWHERE)

    def __iter__(self) -> Iterator[Chain]:
        while self._waiting:
            yield self.take()

    @property
    def next_score(self) -> float:
        """The score of the next chain; -inf if there is none."""
        return self._waiting[0][0].score if self._waiting else -math.inf

    def take(self) -> Chain:
        """The next chain, of which there must be one."""
        best, room = self._waiting.pop(0)
        found = self._located(best, room)
        self._look_in((room[0], found.start_seconds))
        self._look_in((found.end_seconds, room[1]))
        return found

    def _look_in(self, room: Room) -> None:
        if chain := best_chain(self._steps, self._cost, room):
            self._waiting.append((chain, room))
            self._waiting.sort(key=lambda each: (-each[0].score, each[0].start_seconds))


def best_chain(steps: Sequence[StepWindows], cost: DistanceCost, room: Room = EVERYWHERE) -> Chain | None:
    """The chain with the greatest score whose windows all lie between two times; None if there is none.

    Of chains with equal scores, one of those that end earliest.
    """
    inside = [step.part((step.starts >= room[0]) & (step.ends <= room[1])) for step in steps]
    if not all(len(step.ids) for step in inside):
        return None
    best = inside[0].scores
    before: list[Int64Array] = []
    for earlier, later in pairwise(inside):
        reached, chosen = _best_before(earlier, best, later, cost)
        best = reached + later.scores
        before.append(chosen)
    ends_earliest = np.lexsort((inside[-1].starts, inside[-1].ends, -best))
    last = int(ends_earliest[0])
    if best[last] == -math.inf:
        return None
    path = [last]
    for chosen in reversed(before):
        path.append(int(chosen[path[-1]]))
    path.reverse()
    windows = tuple(step.window(place) for step, place in zip(inside, path, strict=True))
    return Chain(float(best[last]), windows)


def _best_before(
    earlier: StepWindows, best: Float64Array, later: StepWindows, cost: DistanceCost
) -> tuple[Float64Array, Int64Array]:
    """For each window of a step, the best score of a chain up to the step before it, and where that one ends.

    `best` (N,) are the scores of the best chains that end with each window of the step before.
    """
    reached = np.full(len(later.starts), -math.inf)
    chosen = np.zeros(len(later.starts), np.int64)
    per_second = cost.most / cost.seconds
    for length, members in _by_length(earlier):
        order = members[np.argsort(earlier.ends[members], kind="stable")]
        ends = earlier.ends[order]
        plain, by_end = _RangeMaximum(best[order]), _RangeMaximum(best[order] + per_second * ends)
        for later_length, targets in _by_length(later):
            starts = later.starts[targets]
            first, stop = _allowed(ends, starts, later, (length, later_length))
            for (values, at), lost in (
                (plain.of(first, stop), cost.most),
                (by_end.of(first, stop), per_second * starts),
            ):
                values = values - lost
                better = values > reached[targets]
                reached[targets[better]], chosen[targets[better]] = values[better], order[at[better]]
    return reached, chosen


def _allowed(
    ends: Float64Array, starts: Float64Array, later: StepWindows, lengths: tuple[float, float]
) -> tuple[Int64Array, Int64Array]:
    """The range of ascending ends that a window with each start may follow: first, and one past the last.

    `lengths` are those of the windows that end there, and of those that start.
    """
    tolerance = 10**-LENGTH_DIGITS
    stop = np.searchsorted(ends, starts + tolerance, side="right")
    first = np.searchsorted(ends, starts - later.within_seconds - tolerance, side="left")
    if len(later.barriers):
        barred = np.searchsorted(later.barriers, starts + lengths[1] / 2, side="right")
        last_barrier = np.concatenate([[-math.inf], later.barriers])[barred]
        first = np.maximum(first, np.searchsorted(ends - lengths[0] / 2, last_barrier, side="right"))
    return first.astype(np.int64), stop.astype(np.int64)


def without_after(windows: StepWindows, barriers: Float64Array, within_seconds: float) -> StepWindows:
    """The windows of a last step with no barrier from their middle to a time after their end.

    `barriers` are ascending seconds.
    """
    middles = (windows.starts + windows.ends) / 2
    following = np.concatenate([barriers, [math.inf]])[np.searchsorted(barriers, middles)]
    return windows.part(np.isinf(following) | (following - windows.ends > within_seconds))


def _by_length(windows: StepWindows) -> Iterator[tuple[float, Int64Array]]:
    lengths = (windows.ends - windows.starts).round(LENGTH_DIGITS)
    for length in np.unique(lengths):
        yield float(length), np.flatnonzero(lengths == length)


class _RangeMaximum:
    """The greatest of the numbers in any range, in constant time: a sparse table over powers of two."""

    def __init__(self, values: Float64Array) -> None:
        self._values = values
        self._tables = [np.arange(len(values))]
        width = 1
        while 2 * width <= len(values):
            last = self._tables[-1]
            left, right = last[:-width], last[width:]
            self._tables.append(np.where(values[left] >= values[right], left, right))
            width *= 2

    def of(self, first: Int64Array, stop: Int64Array) -> tuple[Float64Array, Int64Array]:
        """The maxima (M,) of ranges, and their places; -inf where a range is empty."""
        lengths = stop - first
        values, places = np.full(len(first), -math.inf), np.zeros(len(first), np.int64)
        level = np.frexp(np.maximum(lengths, 1))[1] - 1
        for power, table in enumerate(self._tables):
            here = np.flatnonzero((level == power) & (lengths > 0))
            left, right = table[first[here]], table[stop[here] - (1 << power)]
            at = np.where(self._values[left] >= self._values[right], left, right)
            values[here], places[here] = self._values[at], at
        return values, places
