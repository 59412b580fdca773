"""Scores of videos that show several classes each: mean average precision, as the Charades dataset defines it.

Source: Sigurdsson et al., Hollywood in Homes, ECCV 2016, and the dataset's `Charades_v1_classify.m`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    Floats,
    independent_groups,
    sole_group,
    variance_interval,
)
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.scoring.retrieval import average_precision, relevant_places
from vifi_cli.resampling import draws_of_units

Positives = npt.NDArray[np.bool_]
"""Whether each of N videos shows each of C classes: (N, C)."""
DRAWS = 200
"""Of the bootstrap; each ranks all videos of all classes again. They give the deviation to 5 %."""


@dataclass(frozen=True, slots=True, eq=False)
class MultiLabelScores:
    """How well a model finds the classes of videos that show several; unreadable videos are only counted.

    `groups` and `sole_group` are as in `ClassificationScores`. `class_precision` is None for a class without a video.
    """

    mean_average_precision: Estimate
    videos: int
    groups: int
    sole_group: str
    unreadable: int
    class_precision: tuple[float | None, ...] = field(repr=False)
    class_videos: tuple[int, ...] = field(repr=False)


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
    return np.array(
        [average_precision(relevant_places(*each)) for each in zip(scores.T, positives.T, strict=True)]
    )


def mean_average_precision(scores: npt.NDArray[np.float32], positives: Positives) -> float:
    """The mean of `average_precisions` over the classes that some video shows; 0 without a video.

    Every class counts the same. In Charades each has test videos. Elsewhere a class without any is omitted, since its
    average precision does not exist.
    """
    return _mean(average_precisions(scores, positives))


def _mean(precisions: Floats) -> float:
    return 0.0 if np.isnan(precisions).all() else float(np.nanmean(precisions))


def score_several(predictions: Predictions, videos: Sequence[LabeledVideo], classes: int) -> MultiLabelScores:
    """Compares predictions with all labels of the videos; without a readable video, the score is 0."""
    read = [videos[video] for video in predictions.videos.tolist()]
    positives, groups = positives_of(read, classes), independent_groups(read)
    probabilities = predictions.probabilities if read else np.zeros((0, classes), np.float32)
    precisions = average_precisions(probabilities, positives)
    return MultiLabelScores(
        _estimate(_mean(precisions), probabilities, positives, groups),
        videos=len(read),
        groups=len(set(groups)),
        sole_group=sole_group(read),
        unreadable=len(predictions.unreadable),
        class_precision=tuple(None if np.isnan(each) else float(each) for each in precisions),
        class_videos=tuple(positives.sum(0).tolist()),
    )


def _estimate(
    value: float, scores: npt.NDArray[np.float32], positives: Positives, groups: Sequence[str]
) -> Estimate:
    videos = len(scores)
    if not videos:
        return Estimate(value)
    means = _drawn(scores, positives, draws_of_units(videos, groups, draws=DRAWS))
    return Estimate(value, *variance_interval(value, float(means.var()), len(set(groups)), videos))


def _drawn(scores: npt.NDArray[np.float32], positives: Positives, times: Floats) -> Floats:
    """The mean average precision, float64 (draws,), if each video is there so many times, (draws, N).

    A class of which a draw has no video is omitted from it.
    """
    totals, classes = np.zeros(len(times)), np.zeros(len(times))
    for column, positive in zip(scores.T, positives.T, strict=True):
        if not positive.any():
            continue
        order = np.lexsort((positive, -column))  # among equal scores, the others come first
        ranked, found = times[:, order], times[:, order] * positive[order]
        precision = np.cumsum(found, 1) / np.maximum(np.cumsum(ranked, 1), 1)
        present = found.sum(1)
        totals += np.divide(
            (precision * found).sum(1), present, out=np.zeros_like(present), where=present > 0
        )
        classes += present > 0
    return np.divide(totals, classes, out=np.zeros_like(totals), where=classes > 0)
