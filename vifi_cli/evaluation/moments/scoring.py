"""How well predicted moments match true windows: R1 and R5 at IoU, mIoU, and mAP as QVHighlights defines it.

Source: github.com/jayleicn/moment_detr, standalone_eval/eval.py. A prediction matches at a threshold if its IoU with
some true window is at least that. Charades-STA and ActivityNet Captions have the same R1, R5 and mIoU with one true
window each.
"""

from collections.abc import Sequence

import numpy as np

from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    Floats,
    drawn_means,
    variance_interval,
)

RECALL_THRESHOLDS = (0.3, 0.5, 0.7)
PRECISION_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
CUTS = (1, 5)
MOST_PREDICTIONS = 10
"""Of a query, as in QVHighlights."""
MEASURES = (
    *(f"R{cut}@{threshold}" for cut in CUTS for threshold in RECALL_THRESHOLDS),
    "mIoU",
    "mAP@0.5",
    "mAP@0.75",
    "mAP",
)
MAIN_MEASURE = "R1@0.5"
MINOR_MEASURES = ("R1@0.3", "R5@0.3", "R5@0.5", "R5@0.7", "mAP@0.5", "mAP@0.75")


def overlaps(predicted: Floats, true: Floats) -> Floats:
    """Intersection over union of predicted and true windows, rows of start and end: (P, 2) and (T, 2) give (P, T)."""
    starts = np.maximum(predicted[:, None, 0], true[None, :, 0])
    ends = np.minimum(predicted[:, None, 1], true[None, :, 1])
    shared = np.clip(ends - starts, 0, None)
    lengths = np.diff(predicted)[:, 0][:, None] + np.diff(true)[:, 0][None, :]
    union = lengths - shared
    iou: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def measures_of_query(overlaps: Floats, scores: Floats) -> Floats:
    """The measures of one query, in the order of `MEASURES`; all are 0 without a prediction.

    `overlaps` (P, T) are the IoU of its predictions with its true windows, and `scores` (P,) the predictions', the
    higher the better. Of equal scores, the prediction with the lower IoU comes first.
    """
    best = overlaps.max(axis=1, initial=0)
    first = np.lexsort((best, -scores))[:MOST_PREDICTIONS]
    if not len(first):
        return np.zeros(len(MEASURES))
    recall = [best[first[:cut]].max() >= threshold for cut in CUTS for threshold in RECALL_THRESHOLDS]
    precision = average_precision(overlaps[first], PRECISION_THRESHOLDS)
    named = [precision[PRECISION_THRESHOLDS.index(threshold)] for threshold in (0.5, 0.75)]
    return np.array([*recall, best[first[0]], *named, precision.mean()], np.float64)


def average_precision(overlaps: Floats, thresholds: Sequence[float]) -> Floats:
    """The average precision of ranked predictions at each threshold, from their IoU (P, T) with the true windows.

    A prediction takes the true window of the highest IoU, at least the threshold, that no better one has taken. One
    that finds none left is wrong. Precision is interpolated, as in VOC 2011: at each true window found, it is the best
    from there on. A true window that is not found adds 0.
    """
    least = np.array(thresholds)
    places = np.arange(len(least))
    is_taken = np.zeros((len(least), overlaps.shape[1]), np.bool_)
    hits = np.zeros((len(least), len(overlaps)))
    for rank, row in enumerate(overlaps):
        free = np.where(is_taken, -1.0, row)
        window = free.argmax(axis=1)
        hits[:, rank] = free[places, window] >= least
        is_taken[places, window] |= hits[:, rank] > 0
    precision = hits.cumsum(axis=1) / np.arange(1, len(overlaps) + 1)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    averages: Floats = (hits * envelope).sum(axis=1) / overlaps.shape[1]
    return averages


def estimates_of(values: Floats, videos: Sequence[str]) -> tuple[Estimate, ...]:
    """The mean of each measure over queries, from values (Q, M) of 0 to 1, with its interval over their videos.

    Queries about one video belong together. If all are about different videos, or all about one, intervals are over
    queries.
    """
    number, count = len(values), len(set(videos))
    if 1 < count < number:
        members = np.unique(np.asarray(videos), return_inverse=True)[1]
        variances = drawn_means(list(values.T), [members] * values.shape[1]).var(axis=0)
    else:
        count, variances = 0, values.var(axis=0) / number
    return tuple(
        Estimate(mean, *variance_interval(mean, variance, count, number))
        for mean, variance in zip(values.mean(axis=0).tolist(), variances.tolist(), strict=True)
    )
