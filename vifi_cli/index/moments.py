"""From windows that match a query to moments worth showing: overlaps folded, lengths bounded. Pure arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

SAME_EVENT_SHARE = 0.95
"""A window belongs to the event of a better one if its score is at least this share of the better score."""

LONGEST_MOMENT_SECONDS = 32.0


@dataclass(frozen=True, slots=True)
class ScoredWindow:
    """A window of a video, or a moment made of several, with its similarity to the query."""

    video_id: int
    start_seconds: float
    end_seconds: float
    score: float
    is_whole: bool = False


def fold_into_moments(
    windows: Iterable[ScoredWindow], *, longest_seconds: float = LONGEST_MOMENT_SECONDS
) -> list[ScoredWindow]:
    """Folds the overlapping windows of one video into moments, best first.

    The best window is taken; windows that overlap it and score nearly as well widen it, up to
    `longest_seconds`; every other window of which a half lies inside, or that holds a half of it, is a weaker
    sight of the same event and is dropped. Then the best of those left, and so on. Scores stay those of the
    best window.
    """
    left = sorted(windows, key=lambda window: (-window.score, window.end_seconds - window.start_seconds))
    moments = []
    while left:
        moment = _widen(left[0], left[1:], longest_seconds)
        moments.append(moment)
        left = [window for window in left[1:] if not _shows_same(window, moment)]
    return moments


def _widen(moment: ScoredWindow, others: list[ScoredWindow], longest_seconds: float) -> ScoredWindow:
    least_score = moment.score - (1 - SAME_EVENT_SHARE) * abs(moment.score)
    for window in others:
        if window.score < least_score:
            break
        start = min(moment.start_seconds, window.start_seconds)
        end = max(moment.end_seconds, window.end_seconds)
        if _overlap_seconds(window, moment) > 0 and end - start <= longest_seconds:
            moment = replace(moment, start_seconds=start, end_seconds=end)
    return moment


def _shows_same(window: ScoredWindow, moment: ScoredWindow) -> bool:
    shorter = min(
        window.end_seconds - window.start_seconds,
        moment.end_seconds - moment.start_seconds,
    )
    return _overlap_seconds(window, moment) >= shorter / 2


def _overlap_seconds(a: ScoredWindow, b: ScoredWindow) -> float:
    return min(a.end_seconds, b.end_seconds) - max(a.start_seconds, b.start_seconds)
