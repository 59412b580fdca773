"""Accuracy of one test, and means over several tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vifi_cli.data.labeled_videos import LabeledVideo, shows_several_classes
from vifi_cli.evaluation.scoring.calibration import Calibration, calibration_of
from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    Floats,
    drawn_means,
    estimated_share,
    independent_groups,
    share_interval,
    sole_group,
    variance_interval,
    wilson_interval,
)
from vifi_cli.evaluation.scoring.multi_label import (
    MultiLabelScores,
    score_several,
)
from vifi_cli.evaluation.scoring.predictions import (
    TOP_K,
    Predictions,
    macro_f1,
    mean_class_accuracy,
    predicted_classes,
    top_k_hits,
)
from vifi_cli.resampling import draws_of_units

F1_DRAWS = 200
"""Of the bootstrap of macro F1; each counts all videos again. They give the deviation to 5 %."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationScores:
    """The accuracy of a model on the videos of one test; unreadable videos are only counted.

    `groups` counts the groups that intervals are drawn over, 0 for videos; `sole_group` is the one that all videos
    belong to, if so. For each of N videos, `hits` is whether the prediction is correct, and `units` what it is drawn
    with for intervals, its group or itself. `class_accuracy` is None for a class without a video, and `mean_class` is
    the mean of the others. `top5` is None for five classes or fewer, and `calibration` without a readable video.
    `confusion`, int64 (C, C), counts videos by true class (row) and prediction.
    """

    top1: Estimate
    mean_class: Estimate
    macro_f1: Estimate = field(repr=False)
    top5: Estimate | None
    calibration: Calibration | None = field(repr=False)
    videos: int
    groups: int
    sole_group: str
    unreadable: int
    hits: npt.NDArray[np.bool_] = field(repr=False)
    units: tuple[str, ...] = field(repr=False)
    class_accuracy: tuple[float | None, ...] = field(repr=False)
    confusion: npt.NDArray[np.int64] = field(repr=False)


TestScores = ClassificationScores | MultiLabelScores


def main_score(scores: TestScores) -> Estimate:
    """The score of a test that stands for it: top-1, or mAP where videos show several classes."""
    return scores.mean_average_precision if isinstance(scores, MultiLabelScores) else scores.top1


def named_scores(scores: TestScores) -> dict[str, Estimate | None]:
    """The scores of a test by name, the main one first; None for the ECE of a test without a readable video."""
    if isinstance(scores, MultiLabelScores):
        return {"mAP": scores.mean_average_precision}
    top5 = {"top-5": scores.top5} if scores.top5 else {}
    error = Estimate(scores.calibration.error, unit="error") if scores.calibration else None
    return {
        "top-1": scores.top1,
        "mean class": scores.mean_class,
        **top5,
        "macro F1": scores.macro_f1,
        "ECE": error,
    }


def score_test(predictions: Predictions, videos: Sequence[LabeledVideo], classes: int) -> TestScores:
    """Compares predictions with the class of each video, or with its classes where some video shows several."""
    if shows_several_classes(videos):
        return score_several(predictions, videos, classes)
    return score(predictions, videos, classes)


def score(predictions: Predictions, videos: Sequence[LabeledVideo], classes: int) -> ClassificationScores:
    """Compares predictions with labels; without a readable video, scores are 0 and have no intervals."""
    read = [videos[video] for video in predictions.videos.tolist()]
    labels = np.array([video.label for video in read], np.int64)
    groups = independent_groups(read)
    top1, top5 = (top_k_hits(predictions.probabilities, labels, k) for k in (1, TOP_K))
    confusion = np.zeros((classes, classes), np.int64)
    guesses = predicted_classes(predictions.probabilities, labels) if read else labels
    np.add.at(confusion, (labels, guesses), 1)
    return ClassificationScores(
        top1=estimated_share(top1, groups),
        mean_class=_mean_class(top1, labels, groups),
        macro_f1=_macro_f1(labels, guesses, groups),
        top5=estimated_share(top5, groups) if classes > TOP_K else None,
        calibration=calibration_of(predictions.probabilities.max(1, initial=0), top1),
        videos=len(read),
        groups=len(set(groups)),
        sole_group=sole_group(read),
        unreadable=len(predictions.unreadable),
        hits=top1,
        units=groups or tuple(video.address for video in read),
        class_accuracy=_class_accuracy(confusion),
        confusion=confusion,
    )


def _mean_class(
    hits: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64], groups: Sequence[str]
) -> Estimate:
    """Mean class accuracy with its interval."""
    value = mean_class_accuracy(hits, labels)
    if not len(hits):
        return Estimate(value)
    of_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    rows = [hits[chosen].astype(np.float64) for chosen in of_class]
    if groups:
        members = np.unique(np.asarray(groups), return_inverse=True)[1]
        variance = float(drawn_means(rows, [members[chosen] for chosen in of_class]).mean(1).var())
    else:
        variance = float(sum(row.var() / len(row) for row in rows)) / len(rows) ** 2
    return Estimate(value, *variance_interval(value, variance, len(set(groups)), _worth(labels)))


def _worth(labels: npt.NDArray[np.int64]) -> float:
    """How many videos a mean over classes is worth at most: C² / Σ(1 / n_c), all of them if classes are equal."""
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) ** 2 / float((1 / counts).sum())


def _macro_f1(
    labels: npt.NDArray[np.int64], guesses: npt.NDArray[np.int64], groups: Sequence[str]
) -> Estimate:
    """Macro F1 with its interval, from the variance over draws of groups, or of videos without groups."""
    value = macro_f1(labels, guesses)
    if not len(labels):
        return Estimate(value)
    drawn = [
        macro_f1(labels, guesses, times) for times in draws_of_units(len(labels), groups, draws=F1_DRAWS)
    ]
    variance = float(np.var(drawn))
    return Estimate(value, *variance_interval(value, variance, len(set(groups)), _worth(labels)))


def harmonic_mean(base: float, novel: float) -> float:
    """2BN / (B + N), and 0 if both are 0."""
    return 2 * base * novel / (base + novel) if base + novel else 0.0


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The spread is the sample standard deviation (divisor n - 1), 0 for a single value."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return float(np.mean(values)), spread


def mean_over_tests(tests: Sequence[TestScores]) -> Estimate:
    """The mean score of several tests, such as three seeds or three splits.

    The interval of top-1 draws each unit with all its results at once, so a video tested three times does not count as
    three. Several mAP have none.
    """
    if len(tests) == 1:
        return main_score(tests[0])
    mean, spread = mean_and_spread([main_score(test).value for test in tests])
    single = _of_one_class(tests)
    if len(single) < len(tests):
        return Estimate(mean, spread=spread)
    return Estimate(mean, *_interval(mean, _joint_means(single).mean(1), single), spread)


def _of_one_class(tests: Sequence[TestScores]) -> list[ClassificationScores]:
    """The tests that have videos, each of one class."""
    return [test for test in tests if isinstance(test, ClassificationScores) and test.videos]


def harmonic_over_tests(base: Sequence[TestScores], novel: Sequence[TestScores]) -> Estimate:
    """The harmonic mean of mean top-1 on base classes and mean top-1 on novel classes, as in the paper.

    A person with both base and novel videos is drawn for both at once, so the interval accounts for their correlation.
    The spread is that of the harmonic means of single seeds.
    """
    value = harmonic_mean(
        *(mean_and_spread([main_score(test).value for test in tests])[0] for tests in (base, novel))
    )
    pairs = zip(base, novel, strict=False)
    each = [harmonic_mean(main_score(b).value, main_score(n).value) for b, n in pairs]
    spread = mean_and_spread(each)[1] if len(each) > 1 else None
    tests = _of_one_class((*base, *novel))
    if len(tests) < len(base) + len(novel):
        return Estimate(value, spread=spread)
    means = _joint_means(tests)
    of_base, of_novel = means[:, : len(base)].mean(1), means[:, len(base) :].mean(1)
    products, sums = 2 * of_base * of_novel, of_base + of_novel
    harmonic = np.divide(products, sums, out=np.zeros_like(sums), where=sums > 0)
    return Estimate(value, *_interval(value, harmonic, tests), spread)


def _interval(value: float, means: Floats, tests: Sequence[ClassificationScores]) -> tuple[float, float]:
    """The interval of a mean over tests, by its bootstrapped `means`; repeated tests of a video count once."""
    units = {unit for test in tests for unit in test.units}
    fewest, most = max(test.videos for test in tests), sum(test.videos for test in tests)
    if len(units) < 2:
        return wilson_interval(value, fewest)
    return share_interval(value, means, len(units), fewest if means.var() == 0 else most)


def _joint_means(tests: Sequence[ClassificationScores]) -> Floats:
    """Bootstrapped top-1 of several tests, units drawn for all of them at once: (draws, tests)."""
    units = np.concatenate([np.asarray(test.units) for test in tests])
    members = np.unique(units, return_inverse=True)[1]
    ends = np.cumsum([test.videos for test in tests])[:-1]
    return drawn_means([test.hits.astype(np.float64) for test in tests], np.split(members, ends))


def _class_accuracy(confusion: npt.NDArray[np.int64]) -> tuple[float | None, ...]:
    totals, right = confusion.sum(1).tolist(), confusion.diagonal().tolist()
    return tuple(hit / total if total else None for hit, total in zip(right, totals, strict=True))
