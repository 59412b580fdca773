"""How far a model's probabilities can be trusted: the expected calibration error, and the bins it is made of.

Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017: the most probable class of each video, in 15
bins of equal width, each with its upper end.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 15
DRAWS = 200


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The videos whose confidence, the probability of the most probable class, is above `low` and up to `high`.

    `confidence` is its mean, and `accuracy` the share that is correct; both are None without a video.
    """

    low: float
    high: float
    videos: int
    accuracy: float | None
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The expected calibration error of a test, a share, and its bins.

    With few videos the error is above 0 for any model: `of_calibrated` is what a perfectly calibrated one with these
    confidences gets on average.
    """

    error: float
    of_calibrated: float
    bins: tuple[ReliabilityBin, ...] = field(repr=False)


def calibration_of(confidences: npt.NDArray[np.float32], hits: npt.NDArray[np.bool_]) -> Calibration | None:
    """The calibration of predictions with these confidences (N,) that are correct or not (N,); None without any."""
    if not len(hits):
        return None
    sure = confidences.astype(np.float64)
    edges = np.linspace(0, 1, BINS + 1)
    # left, and as float32: a confidence of 1/15 is in the first bin
    of_video = np.searchsorted(edges[1:-1].astype(np.float32), confidences)
    counts = np.bincount(of_video, minlength=BINS)
    total = np.bincount(of_video, sure, BINS)
    right = np.bincount(of_video, hits, BINS)
    # a calibrated model is right with the probability that it gives
    drawn = np.random.default_rng(0).random((DRAWS, len(sure))) < sure
    errors = [_error(np.bincount(of_video, hit, BINS), total, len(hits)) for hit in drawn]
    return Calibration(
        _error(right, total, len(hits)),
        float(np.mean(errors)),
        tuple(
            ReliabilityBin(
                float(edges[place]),
                float(edges[place + 1]),
                count,
                float(right[place]) / count if count else None,
                float(total[place]) / count if count else None,
            )
            for place, count in enumerate(counts.tolist())
        ),
    )


def _error(right: npt.NDArray[Any], total: npt.NDArray[Any], videos: int) -> float:
    """How far accuracy and confidence of a bin differ, averaged over videos.

    `right` are the correct videos of each bin, and `total` the sum of their confidences.
    """
    return float(np.abs(right - total).sum()) / videos
