"""95 % confidence intervals, of shares by Wilson's method and of other means by bootstrap, over videos or their groups.

Where clips of one person or scene are not independent, complete groups are resampled. The variance of a share over
these draws tells how many independent videos it is worth, and Wilson's interval is that of so many, with Student's
quantile for the number of groups. Without groups it is Wilson's own.

Sources: Wilson, Probable inference, JASA 1927. Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter
13. Korn and Graubard, Confidence intervals for proportions with small expected number of positive counts estimated
from survey data, Survey Methodology 1998, for the effective number and the quantile.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.resampling import NORMAL_QUANTILE, student_quantile

Floats = npt.NDArray[np.float64]
DRAWS = 2000
_MOST_UNITS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value and how certain it is.

    `value` is a share, 0 to 1, shown in percent, an `error`, a share that is best at 0, or a `rank`, 1 being the best.
    `low` and `high` are the ends of its 95 % interval. `spread` is the standard deviation over splits or seeds; None if
    there is only one.
    """

    value: float
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    unit: Literal["share", "error", "rank"] = "share"


def estimated_share(hits: npt.ArrayLike, groups: Sequence[str] = ()) -> Estimate:
    """The share of hits, one per video, with its interval; 0 without an interval for an empty sequence."""
    numbers = np.asarray(hits, np.float64)
    if not len(numbers):
        return Estimate(0.0)
    share = float(numbers.mean())
    if not groups:
        return Estimate(share, *wilson_interval(share, len(numbers)))
    means = bootstrap_means(numbers, groups)
    return Estimate(share, *share_interval(share, means, len(set(groups)), len(numbers)))


def wilson_interval(share: float, videos: float, quantile: float = NORMAL_QUANTILE) -> tuple[float, float]:
    """Wilson's score interval of a share of so many independent videos; everything, 0 to 1, for none."""
    if videos <= 0:
        return 0.0, 1.0
    weight = quantile**2 / videos
    center = share + weight / 2
    half = quantile * math.sqrt(share * (1 - share) / videos + weight / (4 * videos))
    low, high = (center - half) / (1 + weight), (center + half) / (1 + weight)
    # rounding must not put the share outside of its own interval
    return float(min(share, max(0.0, low))), float(max(share, min(1.0, high)))


def share_interval(share: float, means: Floats, groups: int, videos: float) -> tuple[float, float]:
    """The interval of a share, or of a mean of shares, from its bootstrapped `means` over two or more groups.

    `videos` is the number that it cannot be worth more than, however equal the groups are.
    """
    return variance_interval(share, float(means.var()), groups, videos)


def variance_interval(value: float, variance: float, groups: int, videos: float) -> tuple[float, float]:
    """The interval of a mean of values from 0 to 1 with this variance over draws of groups, or of videos for 0 groups.

    `videos` is the number that it cannot be worth more than.
    """
    quantile = NORMAL_QUANTILE
    if groups:
        variance, quantile = variance * groups / (groups - 1), student_quantile(groups - 1)
    worth = value * (1 - value) / variance if variance > 0 else math.inf
    is_same = math.isclose(value, 0) or math.isclose(value, 1)  # no variance where none can be seen
    return wilson_interval(value, videos if is_same else min(max(worth, 1), videos), quantile)


def estimated_mean(values: npt.ArrayLike, groups: Sequence[str] = ()) -> Estimate:
    """The mean of one value per video with its interval; 0 without an interval for an empty sequence."""
    numbers = np.asarray(values, np.float64)
    if not len(numbers):
        return Estimate(0.0)
    return Estimate(float(numbers.mean()), *interval_of(bootstrap_means(numbers, groups)))


def sole_group(videos: Sequence[LabeledVideo]) -> str:
    """The group that all videos belong to; empty if they have several, or none is known."""
    groups = {video.known_group for video in videos}
    return groups.pop() if len(groups) == 1 else ""


def independent_groups(videos: Sequence[LabeledVideo]) -> tuple[str, ...]:
    """The group that each video is drawn with; empty if fewer than two groups are known.

    Moments of one file are a group, unless others are known.

    Each video without a known group counts as a separate group.
    """
    if len({video.known_group for video in videos if video.known_group}) < 2:
        return ()
    return tuple(video.unit for video in videos)


def bootstrap_means(
    values: npt.ArrayLike, groups: Sequence[str] = (), draws: int = DRAWS, seed: int = 0
) -> Floats:
    """Means, float64 (draws,), of values drawn with replacement, one value per video.

    Complete groups are drawn, as many as there are; without groups, single values. The same groups (or the same number
    of values), draws and seed give the same draws, so the means of two methods on the same videos are paired.
    """
    row = np.asarray(values, np.float64)
    members = np.unique(np.asarray(groups), return_inverse=True)[1] if groups else np.arange(len(row))
    return drawn_means([row], [members], draws, seed)[:, 0]


def interval_of(means: Floats) -> tuple[float, float]:
    """The middle 95 % of bootstrapped means: percentiles 2.5 and 97.5, interpolated linearly."""
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def drawn_means(
    values: Sequence[Floats], members: Sequence[npt.NDArray[np.int64]], draws: int = DRAWS, seed: int = 0
) -> Floats:
    """Means, float64 (draws, rows), of several rows of values over units that are drawn for all rows at once.

    `members` are the units of the values of each row, numbered from 0 across all rows. A row of which no unit is drawn
    keeps its own mean.
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
