"""Where each step of a hit is: from the window that was found to the moment it shows, between its neighbors."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from vifi_cli.index.search.folding import ScoredWindow, moment_around
from vifi_cli.index.search.order.ordered_ranking import OrderedRanking, SoughtStep
from vifi_cli.index.search.ranking import NEAR_SECONDS


def with_moments(ranking: OrderedRanking, hits: Sequence[ScoredWindow]) -> list[ScoredWindow]:
    """Hits of a ranking with the moments of their steps in place of windows; each moment's score is its cosine.

    Moments share no second, neither within a hit nor with those of other hits, and keep the time within which a step
    must follow.
    """
    of_video: dict[int, list[ScoredWindow]] = defaultdict(list)
    for hit in hits:
        of_video[hit.video_id].append(hit)
    located: dict[ScoredWindow, ScoredWindow] = {}
    for group in of_video.values():
        free_from = -np.inf
        ordered = sorted(group, key=lambda hit: hit.start_seconds)
        next_starts = [*(hit.start_seconds for hit in ordered[1:]), np.inf]
        for hit, free_to in zip(ordered, next_starts, strict=True):
            located[hit] = _with_moments(ranking, hit, (free_from, free_to))
            free_from = located[hit].end_seconds
    return [located[hit] for hit in hits]


def _with_moments(ranking: OrderedRanking, hit: ScoredWindow, room: tuple[float, float]) -> ScoredWindow:
    vectors, steps = ranking.vectors, ranking.wanted
    ids = np.array([window.window_id for window in hit.steps])
    cosines = [float(vectors.cosines(step.embedding, ids[[n]])[0]) for n, step in enumerate(steps)]
    windows = _apart([replace(one, score=cosine) for one, cosine in zip(hit.steps, cosines, strict=True)])
    next_starts = [*(window.start_seconds for window in windows[1:]), room[1]]
    moments: list[ScoredWindow] = []
    for step, window, free_to in zip(steps, windows, next_starts, strict=True):
        if ranking.ends_with_moment and window is windows[-1]:
            moments.append(window)
            continue
        free_from = moments[-1].end_seconds if moments else room[0]
        near = _windows_near(ranking, step, window, (free_from, free_to))
        moments.append(moment_around(window, near, float(step.embedding @ vectors.mean)))
    shown = moments if _are_in_time(steps, moments) else windows
    return replace(
        hit, start_seconds=shown[0].start_seconds, end_seconds=shown[-1].end_seconds, steps=tuple(shown)
    )


def _apart(windows: Sequence[ScoredWindow]) -> list[ScoredWindow]:
    """Windows in the order of time, of which two that overlap meet in the middle."""
    apart = list(windows)
    for place, (earlier, later) in enumerate(pairwise(windows)):
        if later.start_seconds < earlier.end_seconds:
            middle = (later.start_seconds + earlier.end_seconds) / 2
            apart[place] = replace(apart[place], end_seconds=middle)
            apart[place + 1] = replace(later, start_seconds=middle)
    return apart


def _windows_near(
    ranking: OrderedRanking, step: SoughtStep, window: ScoredWindow, room: tuple[float, float]
) -> list[ScoredWindow]:
    """The other windows around the window of a step, within a room."""
    start, end = window.start_seconds - NEAR_SECONDS, window.end_seconds + NEAR_SECONDS
    ids = ranking.catalog.window_ids_near(window.video_id, start, end)
    cosines = ranking.vectors.cosines(step.embedding, ids).tolist()
    score_of = dict(zip(ids.tolist(), cosines, strict=True))
    return [
        ScoredWindow(video, begin, stop, score_of[window_id], window_id=window_id)
        for window_id, video, begin, stop, _ in ranking.catalog.windows(ids)
        if begin >= room[0] and stop <= room[1] and window_id != window.window_id
    ]


def _are_in_time(steps: Sequence[SoughtStep], moments: Sequence[ScoredWindow]) -> bool:
    return all(
        later.start_seconds - earlier.end_seconds <= step.within_seconds
        for step, (earlier, later) in zip(steps[1:], pairwise(moments), strict=True)
    )
