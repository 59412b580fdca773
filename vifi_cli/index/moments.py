"""From windows that match a query to moments worth showing: overlaps folded, lengths bounded."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

SAME_EVENT_SHARE = 0.9
"""A window belongs to the event of a better one if its score is at least this share of the better score."""

LONGEST_MOMENT_SECONDS = 32.0


@dataclass(frozen=True, slots=True)
class ScoredWindow:
    """A window of a video, or a moment made of several, with its similarity to the query.

    Attributes:
        video_id: its video.
        start_seconds: where it begins.
        end_seconds: where it ends.
        score: cosine between the query's and its embedding.
        is_whole: it stands for the video as a whole, not for a moment.
        window_id: the window, or of a moment the window that gave it its score.
    """

    video_id: int
    start_seconds: float
    end_seconds: float
    score: float
    is_whole: bool = False
    window_id: int = 0


def fold_into_moments(
    windows: Iterable[ScoredWindow],
    *,
    most: int | None = None,
    longest_seconds: float = LONGEST_MOMENT_SECONDS,
) -> list[ScoredWindow]:
    """Folds the overlapping windows of one video into moments, best first, `most` of them at most.

    The best window gives the score. If shorter windows inside it score nearly as well, the best of the shortest
    tells more exactly where the event is. Windows that touch it, are no longer and score nearly as well widen it, up
    to `longest_seconds`; longer ones would bring in stretches that do not match by themselves. Every other window of
    which a half lies inside the moment, or that holds a half of it, is a weaker sight of the same event and is
    dropped. Then the best of those left, and so on.
    """
    ranked = sorted(windows, key=_best_then_shortest_then_earliest)
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
        moment = _moment_around(best, [ranked[other] for other in near], longest_seconds)
        moments.append(moment)
        for other in near:
            left[other] = not _shows_same(ranked[other], moment)
    return moments


def _best_then_shortest_then_earliest(window: ScoredWindow) -> tuple[float, float, float]:
    return -window.score, _length_seconds(window), window.start_seconds


def _moment_around(best: ScoredWindow, others: list[ScoredWindow], longest_seconds: float) -> ScoredWindow:
    least_score = best.score - (1 - SAME_EVENT_SHARE) * abs(best.score)
    rivals = list(takewhile(lambda window: window.score >= least_score, others))
    inside = [
        w for w in rivals if w.start_seconds >= best.start_seconds and w.end_seconds <= best.end_seconds
    ]
    core = min((best, *inside), key=lambda window: (_length_seconds(window), -window.score))
    return replace(_widen(core, rivals, longest_seconds), score=best.score, window_id=best.window_id)


def _widen(core: ScoredWindow, rivals: list[ScoredWindow], longest_seconds: float) -> ScoredWindow:
    moment = core
    for window in rivals:
        start = min(moment.start_seconds, window.start_seconds)
        end = max(moment.end_seconds, window.end_seconds)
        fits = end - start <= longest_seconds and _length_seconds(window) <= _length_seconds(core)
        if fits and _overlap_seconds(window, moment) >= 0:
            moment = replace(moment, start_seconds=start, end_seconds=end)
    return moment


def _shows_same(window: ScoredWindow, moment: ScoredWindow) -> bool:
    shorter = min(_length_seconds(window), _length_seconds(moment))
    return _overlap_seconds(window, moment) >= shorter / 2


def _length_seconds(window: ScoredWindow) -> float:
    return window.end_seconds - window.start_seconds


def _overlap_seconds(a: ScoredWindow, b: ScoredWindow) -> float:
    return min(a.end_seconds, b.end_seconds) - max(a.start_seconds, b.start_seconds)
