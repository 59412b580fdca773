"""DiDeMo's own measures: ranks among all segments of a video, without the annotators who agree least.

Source: github.com/LisaAnne/LocalizingMoments, utils/eval.py. The candidates are all runs of segments of 5 s, 21 for a
video of 30 s. Of all annotators, the three count with whom a ranking agrees best.
"""

import numpy as np

from vifi_cli.evaluation.moments.annotations import SEGMENT_SECONDS
from vifi_cli.evaluation.moments.scoring import overlaps
from vifi_cli.evaluation.scoring.confidence_intervals import Floats

SEGMENT_MEASURES = ("Rank@1", "Rank@5", "mIoU")
ANNOTATORS = 3


def candidates(segments: int) -> Floats:
    """Start and end, in seconds, of every run of segments, float64 (N, 2)."""
    runs = [(first, end) for first in range(segments) for end in range(first + 1, segments + 1)]
    return np.array(runs, np.float64) * SEGMENT_SECONDS


def segment_measures(scores: Floats, candidates: Floats, true: Floats) -> Floats:
    """The measures of one query, in the order of `SEGMENT_MEASURES`, from scores (N,) of candidates (N, 2).

    `true` (A, 2) has the window of each annotator. A rank is the mean over the three annotators with the best ranks; it
    must be at most 1, or 5. mIoU is the mean over the three with the highest IoU with the first candidate. Of equal
    scores, the candidate that fewer annotators chose comes first, then the one with the lower IoU.
    """
    iou = overlaps(candidates, true)
    is_chosen = iou >= 1
    order = np.lexsort((iou.sum(axis=1), is_chosen.sum(axis=1), -scores))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(1, len(order) + 1)
    ranks = np.sort([place[column].min() for column in is_chosen.T])
    mean_rank = ranks[:ANNOTATORS].mean()
    agreement = np.sort(iou[order[0]])[-ANNOTATORS:].mean()
    return np.array([mean_rank <= 1, mean_rank <= 5, agreement], np.float64)
