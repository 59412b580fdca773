"""From windows that match a query to moments worth showing: folds overlaps and near duplicates, limits lengths."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from vifi_cli.index.arrays import Float32Array

EVENT_LEVEL = 0.6
"""How far above the background an event scores: the share of the way from the background to its best window."""

SAME_EVENT_SHARE = 0.9
"""Windows with at least this share of the best score belong to its event, however high the background is."""

LONGEST_MOMENT_SECONDS = 32.0

NEARLY_EQUAL = 0.95
"""The cosine from which on two moments look nearly the same; see docs/measurements/search-quality.md."""

ROOM_AT_FIRST = 64


@dataclass(frozen=True, slots=True)
class ScoredWindow:
    """A window of a video, or a moment made of several, with its similarity to the query."""

    video_id: int
    start_seconds: float
    end_seconds: float
    score: float  # cosine between the query's and its embedding
    is_whole: bool = False  # it stands for the video, not for a moment
    window_id: int = 0  # of a moment, the window that gave it its score
    duplicates: tuple["ScoredWindow", ...] = ()  # worse ones, folded into this one, that look nearly the same
    steps: tuple["ScoredWindow", ...] = ()  # of a hit of an ordered query, the moment of each step


def best_then_shortest_then_earliest(window: ScoredWindow) -> tuple[float, float, float, int]:
    """Ranks the windows of a video; no two compare equal, so that the order does not depend on what else is ranked."""
    return -window.score, _length_seconds(window), window.start_seconds, window.window_id


def fold_into_moments(
    windows: Iterable[ScoredWindow],
    *,
    background: float,
    most: int | None = None,
    longest_seconds: float = LONGEST_MOMENT_SECONDS,
) -> list[ScoredWindow]:
    """Folds the overlapping windows of one video into at most `most` moments, best first.

    The best window gives the score. A level between it and the background, the mean cosine of the query with the
    windows of the index, separates what shows the event from what does not. If shorter windows inside the best one
    reach the level, the best of the shortest locates the event more exactly, and the moment starts as that one. It
    grows both ways, up to `longest_seconds`, to where the sum over the seconds gained of score minus level is
    greatest, so that it includes a weak second between good ones. Windows longer than the first one do not count,
    since they would bring in parts that do not match alone. Every window that overlaps the moment by half of either is
    a weaker sight of the same event and is dropped. Then the best window of those left gives the next moment.

    `windows` are of one video, without the one over all of it.
    """
    ranked = sorted(windows, key=best_then_shortest_then_earliest)
    by_start = sorted(range(len(ranked)), key=lambda rank: ranked[rank].start_seconds)
    starts = [ranked[rank].start_seconds for rank in by_start]
    # A moment can grow by this much, and be overlapped by a window that starts this much before it.
    reach_seconds = longest_seconds + max((_length_seconds(window) for window in ranked), default=0.0)
    left = [True] * len(ranked)
    moments: list[ScoredWindow] = []
    for rank, best in enumerate(ranked):
        if len(moments) == most:
            break
        if not left[rank]:
            continue
        first = bisect_left(starts, best.start_seconds - reach_seconds)
        end = bisect_right(starts, best.end_seconds + reach_seconds)
        near = sorted(other for other in by_start[first:end] if other > rank and left[other])
        moment = moment_around(best, [ranked[other] for other in near], background, longest_seconds)
        moments.append(moment)
        for other in near:
            left[other] = not shows_same(ranked[other], moment)
    return moments


def fold_near_duplicates(
    hits: Iterable[ScoredWindow],
    embed: Callable[[ScoredWindow], Float32Array],
    *,
    most: int | None = None,
    nearly_equal: float = NEARLY_EQUAL,
) -> list[ScoredWindow]:
    """Folds each hit into the better one that it resembles most, if nearly equal, until `most` are left.

    Takes hits best first, no more than needed. `embed` gives a hit's embedding, float32 (D,), of length 1;
    `nearly_equal` is the minimum cosine of two that look nearly the same.
    """
    kept: list[tuple[ScoredWindow, list[ScoredWindow]]] = []
    embeddings = np.empty((0, 0), np.float32)
    for hit in hits:
        if len(kept) == most:
            break
        embedding = embed(hit)
        if not kept:
            embeddings = np.empty((ROOM_AT_FIRST, len(embedding)), np.float32)
        likeness = embeddings[: len(kept)] @ embedding
        if likeness.max(initial=-1.0) >= nearly_equal:
            kept[int(likeness.argmax())][1].append(hit)
            continue
        if len(kept) == len(embeddings):
            embeddings = np.concatenate([embeddings, np.empty_like(embeddings)])
        embeddings[len(kept)] = embedding
        kept.append((hit, []))
    return [replace(hit, duplicates=tuple(duplicates)) for hit, duplicates in kept]


def moment_around(
    best: ScoredWindow,
    others: list[ScoredWindow],
    background: float,
    longest_seconds: float = LONGEST_MOMENT_SECONDS,
) -> ScoredWindow:
    """The moment of the event that a window shows, given the other windows around it: see `fold_into_moments`."""
    level = event_level(best.score, background)
    windows = [best, *others]
    core = min(
        (window for window in windows if window.score >= level and _is_inside(window, best)),
        key=lambda window: (_length_seconds(window), -window.score),
    )
    no_longer = [window for window in windows if _length_seconds(window) <= _length_seconds(core)]
    return replace(
        _grown(core, no_longer, level, longest_seconds), score=best.score, window_id=best.window_id
    )


def event_level(best_score: float, background: float) -> float:
    """The minimum mean score of the seconds of an event."""
    above_background = background + EVENT_LEVEL * (best_score - background)
    nearly_as_well = best_score - (1 - SAME_EVENT_SHARE) * abs(best_score)
    return min(above_background, nearly_as_well)


def _grown(
    core: ScoredWindow, windows: list[ScoredWindow], level: float, longest_seconds: float
) -> ScoredWindow:
    room_seconds = longest_seconds - _length_seconds(core)
    stretches = _scored_stretches(
        window
        for window in windows
        if window.end_seconds > core.start_seconds - room_seconds
        and window.start_seconds < core.end_seconds + room_seconds
    )
    before = [(end, start, score) for start, end, score in reversed(stretches) if end <= core.start_seconds]
    after = [(start, end, score) for start, end, score in stretches if start >= core.end_seconds]
    starts, ends = _growths(core.start_seconds, before, level), _growths(core.end_seconds, after, level)
    possible: list[tuple[float, float, float, float]] = []
    for start, gain in starts:
        # Later ends gain more: the last one that there is room for is the best.
        last = bisect_right(ends, start + longest_seconds, key=lambda end: end[0]) - 1
        if last < 0 and possible:
            break
        end, gain_after = ends[max(last, 0)]
        possible.append((gain + gain_after, start - end, start, end))
    *_, start, end = max(possible)
    return replace(core, start_seconds=start, end_seconds=end)


def _scored_stretches(windows: Iterable[ScoredWindow]) -> list[tuple[float, float, float]]:
    """Start, end and score of each stretch between any two edges of windows: the mean score of those that show it.

    Windows of one length overlap by half. One that juts out of the event by half has half a good score; each half of
    it also has the score of a neighbor, which shows which half is good.
    """
    windows = list(windows)
    edges = sorted({edge for window in windows for edge in (window.start_seconds, window.end_seconds)})
    place_of = {edge: place for place, edge in enumerate(edges)}
    scores: list[list[float]] = [[] for _ in edges]
    for window in windows:
        for place in range(place_of[window.start_seconds], place_of[window.end_seconds]):
            scores[place].append(window.score)
    return [
        (edges[place], edges[place + 1], sum(here) / len(here)) for place, here in enumerate(scores) if here
    ]


def _growths(
    edge: float, stretches: Iterable[tuple[float, float, float]], level: float
) -> list[tuple[float, float]]:
    """How far a moment may grow one way, and what it gains by that; each growth gains more than all shorter ones.

    `edge` is where it begins or ends before it grows. `stretches` holds near edge, far edge and score of each, in the
    order in which it reaches them. A second gains by what it scores above `level`, and loses by what it scores below.
    """
    growths = [(edge, 0.0)]
    gain = 0.0
    for near, far, score in stretches:
        if near != edge:  # nothing is known about what is between
            break
        edge, gain = far, gain + abs(far - near) * (score - level)
        if gain > growths[-1][1]:
            growths.append((edge, gain))
    return growths


def _is_inside(window: ScoredWindow, other: ScoredWindow) -> bool:
    return window.start_seconds >= other.start_seconds and window.end_seconds <= other.end_seconds


def shows_same(window: ScoredWindow, moment: ScoredWindow) -> bool:
    """Whether a window shows the same event as a moment: they share half of the time of the shorter one."""
    shorter = min(_length_seconds(window), _length_seconds(moment))
    return _overlap_seconds(window, moment) >= shorter / 2


def _length_seconds(window: ScoredWindow) -> float:
    # rounded, so that windows of one length compare equal wherever they begin
    return round(window.end_seconds - window.start_seconds, 6)


def _overlap_seconds(a: ScoredWindow, b: ScoredWindow) -> float:
    return min(a.end_seconds, b.end_seconds) - max(a.start_seconds, b.start_seconds)
