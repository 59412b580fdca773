"""How much two models differ on the same videos: the paired difference with its interval, and McNemar's test.

Sources: Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample
design, Statistics in Medicine 1998. McNemar, Note on the sampling error of the difference between correlated
proportions or percentages, Psychometrika 1947, in its exact form; Fagerland, Lydersen and Laake, The McNemar test for
binary matched-pairs data, BMC Medical Research Methodology 2013, for mid-p.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vifi_cli.evaluation.scoring.confidence_intervals import (
    Estimate,
    drawn_means,
)
from vifi_cli.resampling import NORMAL_QUANTILE, student_quantile

Hits = npt.NDArray[np.bool_]
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """How many videos both models get right, only the first, only the second, and neither."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def videos(self) -> int:
        """The number of pairs."""
        return self.both + self.only_first + self.only_second + self.neither


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two-sided p of McNemar's test, exact and mid-p: how surprising the counts are if neither model is better.

    It takes the videos as independent.
    """

    exact: float
    mid: float


@dataclass(frozen=True, slots=True, eq=False)
class PairedHits:
    """Whether each model is right about each of N videos: bool (N,), and what a video is drawn with, or nothing."""

    first: Hits
    second: Hits
    units: tuple[str, ...]
    has_groups: bool


def paired_counts(first: Hits, second: Hits) -> PairedCounts:
    """Counts the videos by which of the models is right."""
    both, only_first, only_second = first & second, first & ~second, ~first & second
    neither = ~first & ~second
    return PairedCounts(*(int(each.sum()) for each in (both, only_first, only_second, neither)))


def mcnemar(counts: PairedCounts) -> McNemar:
    """McNemar's test of the videos on which the models differ: each falls to either side with probability 1/2.

    Where as many fall to both sides, p is 1, and mid-p is 1 less half the probability of just these counts.
    """
    fewer, pairs = min(counts.only_first, counts.only_second), counts.only_first + counts.only_second
    if not pairs:
        return McNemar(1.0, 1.0)
    ways = tail = 1  # ways to choose the fewer, and the fewer or less
    for number in range(fewer):
        ways = ways * (pairs - number) // (number + 1)
        tail += ways
    point = Fraction(ways, 2**pairs)
    if 2 * fewer == pairs:
        return McNemar(1.0, float(1 - point / 2))
    exact = Fraction(2 * tail, 2**pairs)
    return McNemar(float(exact), float(exact - point))


def estimated_difference(tests: Sequence[PairedHits]) -> Estimate:
    """Top-1 of the second model less that of the first, as a share, with its interval: the mean over some tests.

    The interval is Tango's score interval. Where videos have groups, or are tested several times, the variance over
    draws of complete units says how many independent videos the difference is worth, as for single shares.
    """
    differences = [test.second.astype(np.float64) - test.first for test in tests]
    value = float(np.mean([difference.mean() for difference in differences]))
    spread = (
        float(np.std([difference.mean() for difference in differences], ddof=1)) if len(tests) > 1 else None
    )
    better = float(np.mean([(difference > 0).mean() for difference in differences]))
    worse = float(np.mean([(difference < 0).mean() for difference in differences]))
    videos = sum(map(len, differences))
    if len(tests) == 1 and not tests[0].has_groups:
        return Estimate(value, *tango_interval(better * videos, worse * videos, videos))
    members = np.unique(np.concatenate([np.asarray(test.units) for test in tests]), return_inverse=True)[1]
    units = 1 + int(members.max())
    if units == 1:
        fewest = min(map(len, differences))
        return Estimate(value, *tango_interval(better * fewest, worse * fewest, fewest), spread)
    ends = np.cumsum(list(map(len, differences)))[:-1]
    drawn = drawn_means(differences, np.split(members, ends)).mean(1)
    variance = float(drawn.var()) * units / (units - 1)
    # of as many independent videos, this would be the variance
    worth = (better + worse - value**2) / variance if variance > 0 else min(map(len, differences))
    worth = min(max(worth, 1.0), videos)
    interval = tango_interval(better * worth, worse * worth, worth, student_quantile(units - 1))
    return Estimate(value, *interval, spread)


def tango_interval(
    better: float, worse: float, videos: float, quantile: float = NORMAL_QUANTILE
) -> tuple[float, float]:
    """Tango's score interval of (better - worse) / videos; everything, -1 to 1, for no video.

    `better` and `worse` are the videos that only the second and only the first model gets right. The counts need not be
    whole.
    """
    if videos <= 0:
        return -1.0, 1.0
    value = (better - worse) / videos

    def end(beyond: float) -> float:
        """Where the score statistic of a supposed difference reaches the quantile, from the value to `beyond`."""
        inside, outside = value, beyond
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            if abs(_score_statistic(better, worse, videos, middle)) <= quantile:
                inside = middle
            else:
                outside = middle
        return inside

    return end(-1.0), end(1.0)


def _score_statistic(better: float, worse: float, videos: float, supposed: float) -> float:
    """By how many standard deviations the counts differ from a supposed difference, with the likeliest variance."""
    linear = -better - worse + (2 * videos - better + worse) * supposed
    constant = -worse * supposed * (1 - supposed)
    likeliest = (math.sqrt(max(linear**2 - 8 * videos * constant, 0)) - linear) / (4 * videos)
    variance = videos * (2 * likeliest + supposed * (1 - supposed))
    off = better - worse - videos * supposed
    if variance <= 0:
        return 0.0 if off == 0 else math.copysign(math.inf, off)
    return off / math.sqrt(variance)
