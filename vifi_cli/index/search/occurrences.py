"""From the windows of one video to every occurrence of each query in it: stretches of time above a level.

A search wants the best moments, so it may stop at a few. Here every second counts, and queries can compete for it.
Arithmetic only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float32Array, Float64Array, Int64Array

SCATTERED_SHARE = 0.1
"""The cosines of an index reach from this quantile, which shows something else, up to the best one."""

OCCURRENCE_LEVEL, CONCEPT_LEVEL = 0.7, 0.6
"""How far up this range an occurrence begins: of any query, and of a concept, whose best moments stand out more."""

SAME_LENGTH_SECONDS = 0.01
LEAST_SPREAD = 1e-6
Span = tuple[int, int]  # the first part, and one past the last


@dataclass(frozen=True, slots=True)
class QueryRange:
    """The cosines that one query has in an index."""

    low: float  # with windows that show something else
    best: float
    mean: float
    spread: float  # standard deviation
    share: float = OCCURRENCE_LEVEL  # how far up an occurrence begins

    @classmethod
    def of(cls, sample: Float32Array, best: float, share: float = OCCURRENCE_LEVEL) -> "QueryRange":
        """The range by the cosines (W,) of a sample of all windows, and the best of all."""
        low = float(np.quantile(sample, SCATTERED_SHARE))
        return cls(low, best, float(sample.mean()), float(sample.std()), share)

    @property
    def level(self) -> float:
        """The minimum mean cosine of the seconds of an occurrence."""
        return self.low + self.share * (self.best - self.low)


@dataclass(frozen=True, slots=True)
class OccurrenceRules:
    """What counts as one occurrence."""

    gap_seconds: float = 2.0  # occurrences with at most this between them are one
    least_seconds: float = 1.0  # what is shorter is none
    is_exclusive: bool = False  # at any time, only the query that stands out most counts


USUAL_RULES = OccurrenceRules()


@dataclass(frozen=True, slots=True, eq=False)
class VideoParts:
    """The parts of a video between any two edges of its windows, and how well they match each query."""

    edges: Float64Array  # (P + 1,), seconds, ascending
    means: Float64Array  # (Q, P): of the shortest windows that show a part; NaN where none does
    peaks: Float64Array  # (Q, P): the best of these

    def within(self, start_seconds: float, end_seconds: float) -> BoolArray:
        """Which parts (P,) have their middle in this time."""
        middles = (self.edges[:-1] + self.edges[1:]) / 2
        inside: BoolArray = (middles >= start_seconds) & (middles < end_seconds)
        return inside

    @property
    def seconds(self) -> float:
        """How long all of them last."""
        return float(self.edges[-1] - self.edges[0]) if len(self.edges) else 0.0

    @classmethod
    def of(cls, starts: Float64Array, ends: Float64Array, cosines: Float32Array) -> "VideoParts":
        """The parts by windows (W,) and their cosines (Q, W) with queries.

        Windows of one length overlap by half. One that juts out of an event by half has half a good cosine; each half
        of it also has the cosine of a neighbor, which shows which half is good.
        """
        edges = np.unique(np.round(np.concatenate([starts, ends]), 6))
        shape = len(cosines), max(len(edges) - 1, 0)
        means, peaks = np.full(shape, np.nan), np.full(shape, np.nan)
        lengths = ends - starts
        left = np.ones(len(starts), bool)
        while left.any() and np.isnan(means).any():
            alike = left & (lengths <= lengths[left].min() + SAME_LENGTH_SECONDS)
            left &= ~alike
            first, end = (np.searchsorted(edges, np.round(times[alike], 6)) for times in (starts, ends))
            _fill(means, peaks, first, end, cosines[:, alike])
        return cls(edges, means, peaks)


@dataclass(frozen=True, slots=True)
class FoundOccurrence:
    """A stretch of a video that shows what a query asks for."""

    query: int  # its number
    start_seconds: float
    end_seconds: float
    peak: float  # the cosine of its best window


@dataclass(slots=True, eq=False)
class OccurrenceFinder:
    """Finds the occurrences of queries, whose ranges are known, in one video after the other."""

    ranges: Sequence[QueryRange]
    least_peaks: Sequence[float]  # the minimum cosine of the best window of an occurrence, for each query
    rules: OccurrenceRules = field(default=USUAL_RULES)

    def find(self, parts: VideoParts, denied: BoolArray | None = None) -> list[FoundOccurrence]:
        """The occurrences in a video, by time and then by query.

        `denied` (Q, P) marks parts that are known not to show what a query asks for.
        """
        levels = np.array([each.level for each in self.ranges])
        shown = np.zeros(parts.means.shape, bool)
        denied = np.zeros_like(shown) if denied is None else denied
        above = (parts.means >= levels[:, None]) & ~denied
        for query, least in enumerate(self.least_peaks):
            for first, end in self._joined(parts, above[query], denied[query]):
                if np.nanmax(parts.peaks[query, first:end]) >= least:
                    shown[query, first:end] = above[query, first:end]
        if self.rules.is_exclusive:
            most = self._most_prominent(parts, shown)
            shown = np.stack([shown[query] & np.equal(most, query) for query in range(len(shown))])
        least_seconds = min(self.rules.least_seconds, parts.seconds) - SAME_LENGTH_SECONDS
        found = [
            FoundOccurrence(
                query,
                float(parts.edges[first]),
                float(parts.edges[end]),
                float(np.nanmax(parts.peaks[query, first:end])),
            )
            for query in range(len(shown))
            for first, end in self._joined(parts, shown[query], denied[query] | self._taken(shown, query))
            if parts.edges[end] - parts.edges[first] >= least_seconds
        ]
        return sorted(found, key=lambda one: (one.start_seconds, one.query))

    def _most_prominent(self, parts: VideoParts, shown: BoolArray) -> Int64Array:
        """The query (P,) that stands out most from what it has in the index, among those that are shown."""
        means = np.array([each.mean for each in self.ranges])
        spreads = np.array([max(each.spread, LEAST_SPREAD) for each in self.ranges])
        prominence = np.where(shown, (parts.means - means[:, None]) / spreads[:, None], -np.inf)
        most: Int64Array = prominence.argmax(axis=0)
        return most

    def _taken(self, shown: BoolArray, query: int) -> BoolArray:
        """The parts that no gap of a query may bridge, since another has them alone."""
        if not self.rules.is_exclusive:
            return np.zeros(shown.shape[1], bool)
        return np.asarray(np.delete(shown, query, axis=0).any(axis=0), np.bool_)

    def _joined(self, parts: VideoParts, above: BoolArray, taken: BoolArray) -> Iterator[Span]:
        """Runs of parts, those with short gaps between them as one."""
        run: Span | None = None
        for first, end in _runs(above):
            if run is None:
                run = first, end
            elif (
                parts.edges[first] - parts.edges[run[1]] <= self.rules.gap_seconds + 1e-6
                and not taken[run[1] : first].any()
            ):
                run = run[0], end
            else:
                yield run
                run = first, end
        if run is not None:
            yield run


def _runs(above: BoolArray) -> list[Span]:
    steps = np.diff(np.concatenate([[False], above, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _fill(
    means: Float64Array, peaks: Float64Array, first: Int64Array, end: Int64Array, cosines: Float32Array
) -> None:
    """Enters windows of one length into the parts (Q, P) that none has filled, by their first part and one past."""
    open_parts = np.isnan(means)
    spans = end - first
    parts = np.repeat(first - np.concatenate([[0], np.cumsum(spans)[:-1]]), spans) + np.arange(spans.sum())
    counts = np.bincount(parts, minlength=means.shape[1])
    for query, values in enumerate(cosines.astype(np.float64)):
        repeated = np.repeat(values, spans)
        sums = np.bincount(parts, repeated, minlength=means.shape[1])
        best = np.full(means.shape[1], -np.inf)
        np.maximum.at(best, parts, repeated)
        here = open_parts[query] & (counts > 0)
        means[query, here] = sums[here] / counts[here]
        peaks[query, here] = best[here]
