"""Scores of videos that show several classes each: mean average precision, as the Charades dataset defines it.

Source: Sigurdsson et al., Hollywood in Homes, ECCV 2016, and the dataset's `Charades_v1_classify.m`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.confidence_intervals import Floats
from vifi_cli.evaluation.scoring.retrieval import relevant_places

Positives = npt.NDArray[np.bool_]
"""Whether each of N videos shows each of C classes: (N, C)."""


def shows_several_classes(videos: Sequence[LabeledVideo]) -> bool:
    """Whether some video has more than one class, so that mean average precision is the score instead of top-1."""
    return any(video.more_labels for video in videos)


def positives_of(videos: Sequence[LabeledVideo], classes: int) -> Positives:
    """The classes of each video: bool (N, C)."""
    positives = np.zeros((len(videos), classes), np.bool_)
    for row, video in zip(positives, videos, strict=True):
        row[list(video.labels)] = True
    return positives


def average_precisions(scores: npt.NDArray[np.float32], positives: Positives) -> Floats:
    """The average precision of each class, float64 (C,), from scores (N, C), the higher the likelier.

    It averages, over the videos that show a class, the share of such videos among those ranked as high or higher.
    Among equal scores, videos without the class come first. It is NaN for a class that no video shows.
    """
    return np.array([_average_precision(*each) for each in zip(scores.T, positives.T, strict=True)])


def _average_precision(scores: npt.NDArray[np.float32], positive: Positives) -> float:
    places = relevant_places(scores, positive)
    return float(np.mean(np.arange(1, len(places) + 1) / places)) if len(places) else float("nan")


def mean_average_precision(scores: npt.NDArray[np.float32], positives: Positives) -> float:
    """The mean of `average_precisions` over the classes that some video shows; 0 without a video.

    Every class counts the same. In Charades each has test videos. Elsewhere a class without any is omitted, since its
    average precision does not exist.
    """
    precisions = average_precisions(scores, positives)
    return float(np.nanmean(precisions)) if positives.any() else 0.0
