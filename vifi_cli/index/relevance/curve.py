"""The relevance curve: from the cosine of a moment and a text to a probability, calibrated by neutral texts.

A cosine alone says little: whether it is high depends on the model, the index and the moment, since some pictures
are near every text. So it is normalized twice:

- by the best moment: the *margin* of a cosine is what it is above the level of the query, the mean of the highest
  cosines that everyday descriptions have with the window nearest to the query in the complete index. Descriptions that
  say nearly the same as the query are left out: they would count its own match against it. A hit also loses a share of
  what it is below that window: what matches a query much worse than the best is less likely right. Such local
  centering removes the part that makes a moment near to everything (Hara et al., Localized centering, AAAI 2015); LERF
  compares with neutral phrases too (Kerr et al., ICCV 2023). One level for all hits of a query keeps their order.
- by the index: texts about rarities, which are most likely absent, show by the margins of their best hits how high a
  text about something absent scores here; the larger the index, the higher. Cohorts of impostors do the same in
  speaker verification (Auckenthaler et al., Score normalization for text-independent speaker verification, 2000).

The result goes through a logistic curve with two fitted numbers, see `docs/how-search-works.md`. Arithmetic only.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.index.arrays import BoolArray, Float32Array, Float64Array

NEAREST_DESCRIPTIONS = 10
SHORTFALL_WEIGHT = 0.3
"""How much of what a hit is below the best match in the index counts against it."""

DIFFERENT_SHARE = 0.75
"""Of the descriptions: so many differ from all others in meaning."""

INTERCEPT, SLOPE = -1.8, 1.2
"""Of the logistic curve, over standardized margins."""

WORTH_SHOWING = 0.3
"""The minimum relevance of the hits that are shown by default."""

_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """The margins of texts about absent things in one index, with one text encoder."""

    center: float  # median of the margins of their best hits
    spread: float  # standard deviation of these


def description_level(
    windows: Float32Array, descriptions: Float32Array, without: BoolArray | None = None
) -> Float32Array:
    """The mean cosine (W,) of windows (W, D) with the few everyday descriptions (N, D) nearest to each.

    `without` (W, N) marks descriptions that do not count for a window.
    """
    cosines = windows @ descriptions.T
    if without is not None:
        cosines = np.where(without, -np.inf, cosines)
    count = min(NEAREST_DESCRIPTIONS, len(descriptions))
    level: Float32Array = np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1)
    return level


def same_meaning(queries: Float32Array, descriptions: Float32Array) -> BoolArray:
    """Which everyday descriptions (N, D) say nearly the same as a query (Q, D): bool (Q, N).

    They are nearer to it than most descriptions are to any other one, whatever the range of a text encoder's cosines.
    For `starter`, "a road" says the same as "a street", but not as "a car". Enough always remain for a level.
    """
    cosines = queries @ descriptions.T
    alike = descriptions @ descriptions.T
    np.fill_diagonal(alike, -1.0)
    nearer = cosines > np.quantile(alike.max(axis=1), DIFFERENT_SHARE)
    most = max(len(descriptions) - NEAREST_DESCRIPTIONS, 0)
    ranks = (-cosines).argsort(axis=1).argsort(axis=1)
    same: BoolArray = nearer & (ranks < most)
    return same


def calibrate(margins: npt.ArrayLike) -> Calibration:
    """Summarizes the margins (M,) of the best hits of texts about rarities in one index, M >= 1."""
    values = np.asarray(margins, np.float64)
    return Calibration(float(np.median(values)), float(values.std()))


def standardize(margins: npt.ArrayLike, calibration: Calibration) -> Float64Array:
    """How far margins (W,) are above those of rarities, in their standard deviations: float64 (W,)."""
    above = np.asarray(margins, np.float64) - calibration.center
    standardized: Float64Array = above / max(calibration.spread, _LEAST_SPREAD)
    return standardized


def relevance(margins: npt.ArrayLike, calibration: Calibration) -> Float64Array:
    """The estimated probability that hits match the query, float64 (W,), from their margins.

    It assumes that half of all queries are about something present. It rises with the margin, and depends on nothing
    else: neither on filters nor on other hits.
    """
    log_odds = INTERCEPT + SLOPE * standardize(margins, calibration)
    probability: Float64Array = (1 + np.tanh(log_odds / 2)) / 2
    return probability
