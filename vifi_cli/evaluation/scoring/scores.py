"""How often a model names videos rightly, and how sure one can be of it.

Intervals are percentile bootstraps (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13): videos
are drawn again with replacement, or whole groups of videos where clips of one person or scene are not independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.metrics import top_k_hits
from vifi_cli.evaluation.testing.predicting import Predictions

Shares = npt.NDArray[np.float64]
Hits = npt.NDArray[np.bool_]
DRAWS = 2000
_MOST_UNITS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a table of results.

    Attributes:
        value: a share, 0 to 1; or a rank.
        low: where its 95 % interval begins; None where there is none.
        high: where it ends.
        spread: the standard deviation over splits or seeds; None where there is one only.
        unit: `share`, shown in percent, the more the better; or `rank`, shown as it is, 1 being the best.
    """

    value: float
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    unit: Literal["share", "rank"] = "share"


@dataclass(frozen=True, slots=True, eq=False)
class TestScores:
    """How well a model names the videos of one test.

    Attributes:
        top1: share of the videos whose class comes first, with its interval.
        top5: share of those whose class is among the first five; all of them where there are fewer classes.
        videos: N, how many were read.
        groups: how many groups were drawn from for the intervals; 0 where videos themselves were.
        unreadable: how many videos could not be read; they count nowhere.
        hits: whether each video's class comes first, bool (N,).
        units: what each video is drawn with for intervals, its group or itself; (N,).
        class_accuracy: share of hits of each class; None for a class without a video.
        confusion: int64 (C, C), how many videos of the class in the row were taken for the class in the column.
    """

    top1: Figure
    top5: Figure
    videos: int
    groups: int
    unreadable: int
    hits: Hits
    units: tuple[str, ...]
    class_accuracy: tuple[float | None, ...]
    confusion: npt.NDArray[np.int64]


def score(predictions: Predictions, videos: Sequence[LabeledVideo], classes: int) -> TestScores:
    """Compare predictions with labels.

    Args:
        predictions: of some of the videos, each by its place in `videos`.
        videos: with their labels, and groups where known.
        classes: C.

    Returns:
        The scores; all 0 and without intervals where no video could be read.
    """
    read = [videos[video] for video in predictions.videos.tolist()]
    labels = np.array([video.label for video in read], np.int64)
    groups = independent_groups(read)
    top1, top5 = (top_k_hits(predictions.probabilities, labels, k) for k in (1, 5))
    confusion = np.zeros((classes, classes), np.int64)
    if read:
        np.add.at(confusion, (labels, predictions.probabilities.argmax(1)), 1)
    return TestScores(
        top1=_share(top1, groups),
        top5=_share(top5, groups),
        videos=len(read),
        groups=len(set(groups)),
        unreadable=len(predictions.unreadable),
        hits=top1,
        units=groups or tuple(str(video.path) for video in read),
        class_accuracy=_class_accuracy(confusion),
        confusion=confusion,
    )


def independent_groups(videos: Sequence[LabeledVideo]) -> tuple[str, ...]:
    """What intervals are drawn over: each video's group, or nothing where fewer than two groups are known.

    A video of no known group is one of its own.
    """
    if len({video.group for video in videos if video.group}) < 2:
        return ()
    return tuple(video.group or str(video.path) for video in videos)


def bootstrap_means(
    hits: Hits | Shares, groups: Sequence[str] = (), draws: int = DRAWS, seed: int = 0
) -> Shares:
    """Means of values drawn again with replacement.

    The same groups (or, without groups, as many values), draws and seed give the same draws: means of two methods on
    the same videos are paired.

    Args:
        hits: N values, one a video.
        groups: of each; whole groups are drawn, as many as there are. Without, single values are.
        draws: how many means.
        seed: of the draws.

    Returns:
        float64 (draws,).
    """
    members = np.unique(np.asarray(groups), return_inverse=True)[1] if groups else np.arange(len(hits))
    return _drawn_means([np.asarray(hits, np.float64)], [members], draws, seed)[:, 0]


def interval_of(means: Shares) -> tuple[float, float]:
    """The middle 95 % of bootstrapped means: percentiles 2.5 and 97.5, interpolated linearly."""
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def harmonic_mean(base: float, novel: float) -> float:
    """2BN / (B + N), 0 where both are 0: what base-to-novel results are summed up by."""
    return 2 * base * novel / (base + novel) if base + novel else 0.0


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (divisor n - 1); the latter is 0 for a single value."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return float(np.mean(values)), spread


def mean_figure(tests: Sequence[TestScores]) -> Figure:
    """The mean top-1 of several tests, such as of three seeds or three splits.

    Its interval draws each unit with all its results at once, so that a video tested thrice does not count as three.
    """
    if len(tests) == 1:
        return tests[0].top1
    mean, spread = mean_and_spread([test.top1.value for test in tests])
    if not all(test.videos for test in tests):
        return Figure(mean, spread=spread)
    return Figure(mean, *interval_of(_joint_means(tests).mean(1)), spread)


def harmonic_figure(base: Sequence[TestScores], novel: Sequence[TestScores]) -> Figure:
    """The harmonic mean of mean top-1 on base classes and on novel classes, each over the seeds, as the paper does.

    A person who is in base and novel videos alike is drawn for both at once; so the interval knows that they hang
    together. The spread is that of the harmonic means of the single seeds.
    """
    value = harmonic_mean(
        *(mean_and_spread([test.top1.value for test in tests])[0] for tests in (base, novel))
    )
    each = [harmonic_mean(b.top1.value, n.top1.value) for b, n in zip(base, novel, strict=False)]
    spread = mean_and_spread(each)[1] if len(each) > 1 else None
    if not all(test.videos for test in (*base, *novel)):
        return Figure(value, spread=spread)
    means = _joint_means((*base, *novel))
    of_base, of_novel = means[:, : len(base)].mean(1), means[:, len(base) :].mean(1)
    products, sums = 2 * of_base * of_novel, of_base + of_novel
    low, high = interval_of(np.divide(products, sums, out=np.zeros_like(sums), where=sums > 0))
    return Figure(value, low, high, spread)


def _joint_means(tests: Sequence[TestScores]) -> Shares:
    """Bootstrapped top-1 of several tests, units drawn for all of them at once: (draws, tests)."""
    units = np.concatenate([np.asarray(test.units) for test in tests])
    members = np.unique(units, return_inverse=True)[1]
    ends = np.cumsum([test.videos for test in tests])[:-1]
    return _drawn_means([test.hits.astype(np.float64) for test in tests], np.split(members, ends), DRAWS, 0)


def _drawn_means(
    values: Sequence[Shares], members: Sequence[npt.NDArray[np.int64]], draws: int, seed: int
) -> Shares:
    """Means of several rows of values over units drawn for all of them at once.

    Args:
        values: of each row.
        members: to which unit each value belongs; units are numbered through from 0 over all rows.
        draws: how many means of each row.
        seed: of the draws.

    Returns:
        float64 (draws, rows); a row none of whose units is drawn keeps its own mean.
    """
    units = 1 + max((int(member.max()) for member in members if len(member)), default=-1)
    totals = np.stack([np.bincount(m, v, units) for v, m in zip(values, members, strict=True)])
    sizes = np.stack([np.bincount(m, minlength=units) for m in members]).astype(np.float64)
    means = np.tile([row.mean() if len(row) else 0.0 for row in values], (draws, 1))
    generator = np.random.default_rng(seed)
    at_once = max(1, _MOST_UNITS_AT_ONCE // max(units, 1))
    for first in range(0, draws if units else 0, at_once):
        some = means[first : first + at_once]
        chosen = generator.integers(units, size=(len(some), units)) + units * np.arange(len(some))[:, None]
        times = np.bincount(chosen.ravel(), minlength=len(some) * units).reshape(-1, units).astype(np.float64)
        drawn = times @ sizes.T
        np.divide(times @ totals.T, drawn, out=some, where=drawn > 0)
    return means


def _share(hits: Hits, groups: Sequence[str]) -> Figure:
    if not len(hits):
        return Figure(0.0)
    return Figure(float(hits.mean()), *interval_of(bootstrap_means(hits, groups)))


def _class_accuracy(confusion: npt.NDArray[np.int64]) -> tuple[float | None, ...]:
    totals, right = confusion.sum(1).tolist(), confusion.diagonal().tolist()
    return tuple(hit / total if total else None for hit, total in zip(right, totals, strict=True))
