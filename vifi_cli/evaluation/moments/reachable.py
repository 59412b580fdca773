"""The best that any ranking could reach with the windows that an index has."""

import numpy as np

from vifi_cli.evaluation.scoring.confidence_intervals import Floats

ROUNDING_SECONDS = 2e-6
"""By how much the windows of one length may differ in it."""


def best_reachable_iou(edges: Floats, true: Floats, longest_seconds: float) -> float:
    """The highest IoU of any moment with any true window (T, 2).

    A moment starts and ends at one of the ascending `edges` (E,), and is at most `longest_seconds` long. IoU falls with
    the distance of an edge from the true one, so of all ends for a start, three need a look: the edges beside the true
    end, and the last one within reach.
    """
    best, longest = 0.0, longest_seconds + ROUNDING_SECONDS
    for start, end in true.tolist():
        first = max(int(np.searchsorted(edges, start, side="right")) - 1, 0)
        starts = edges[first : np.searchsorted(edges, end, side="left")]
        after = np.searchsorted(edges, end, side="left")
        last = np.searchsorted(edges, starts + longest, side="right") - 1
        for places in (np.full(len(starts), after), np.full(len(starts), after - 1), last):
            ends = edges[np.clip(places, 0, len(edges) - 1)]
            is_moment = (ends > starts) & (ends - starts <= longest)
            shared = np.clip(np.minimum(ends, end) - np.maximum(starts, start), 0, None)
            union = np.maximum(ends, end) - np.minimum(starts, start)
            best = max(best, float(np.where(is_moment, shared / union, 0.0).max(initial=0.0)))
    return best
