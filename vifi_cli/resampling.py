"""How certain a measured number is: draws with replacement for a bootstrap, and Student's quantile."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

NORMAL_QUANTILE = 1.959963984540054  # 97.5 % of the standard normal distribution
MOST_FREEDOM = 200  # beyond, Student's quantile is normal to 1 %


def draws_of_units(
    videos: int, groups: Sequence[str] | npt.NDArray[np.int64] = (), *, draws: int, seed: int = 0
) -> npt.NDArray[np.float64]:
    """How many times each video is in each of some draws with replacement, float64 (draws, videos), by groups."""
    members = np.unique(np.asarray(groups), return_inverse=True)[1] if len(groups) else np.arange(videos)
    units = 1 + int(members.max())
    chosen = np.random.default_rng(seed).integers(units, size=(draws, units))
    chosen += units * np.arange(draws)[:, None]
    return (
        np.bincount(chosen.ravel(), minlength=draws * units).reshape(draws, units)[:, members].astype(float)
    )


@cache
def student_quantile(freedom: int) -> float:
    """97.5 % of Student's t distribution, by bisection of its distribution function."""
    if freedom > MOST_FREEDOM:
        return NORMAL_QUANTILE
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return low


def _within(t: float, freedom: int) -> float:
    """The probability of values from -t to t; Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    is_odd = freedom % 2
    term = total = cosine if is_odd else 1.0
    for number in range(2 + is_odd, freedom - 1, 2):
        term *= cosine**2 * (number - 1) / number
        total += term
    if not is_odd:
        return sine * total
    return 2 / math.pi * (angle + (sine * total if freedom > 1 else 0.0))
