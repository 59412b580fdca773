"""95 % confidence intervals by percentile bootstrap, over videos or over groups of videos.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. Each draw takes as many videos as
there are, with replacement. Where clips of one person or scene are not independent, it takes their groups instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.data.labeled_videos import LabeledVideo

Floats = npt.NDArray[np.float64]
DRAWS = 2000
_MOST_UNITS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value and how certain it is.

    `value` is a share, 0 to 1, shown in percent, or a `rank`, 1 being the best. `low` and `high` are the ends of its
    95 % interval. `spread` is the standard deviation over splits or seeds; None if there is only one.
    """

    value: float
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    unit: Literal["share", "rank"] = "share"


def estimated_mean(values: npt.ArrayLike, groups: Sequence[str] = ()) -> Estimate:
    """The mean of one value per video with its interval; 0 without an interval for an empty sequence."""
    numbers = np.asarray(values, np.float64)
    if not len(numbers):
        return Estimate(0.0)
    return Estimate(float(numbers.mean()), *interval_of(bootstrap_means(numbers, groups)))


def independent_groups(videos: Sequence[LabeledVideo]) -> tuple[str, ...]:
    """The group that each video is drawn with; empty if fewer than two groups are known.

    Each video without a known group counts as a separate group.
    """
    if len({video.group for video in videos if video.group}) < 2:
        return ()
    return tuple(video.group or str(video.path) for video in videos)


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
