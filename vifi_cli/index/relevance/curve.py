"""How relevant a moment is to a text: its cosine, judged by what neutral texts reach. Arithmetic only.

A cosine says little by itself: what is high differs from model to model, from index to index, and from moment to
moment, since some pictures are near every text. So it is judged twice:

- by the moment: a query's *margin* is its cosine less the mean of the highest cosines that everyday descriptions have
  with the same moment. Local centring of this kind takes off what makes a moment near to everything (Hara et al.,
  Localized centering, AAAI 2015); judging by neutral phrases is what LERF does (Kerr et al., ICCV 2023).
- by the index: texts about rarities, which are most likely not there, tell by the margins of their best hits what a
  text about nothing reaches here: the more there is to choose from, the more. Cohorts of impostors tell the same in
  speaker verification (Auckenthaler et al., Score normalization for text-independent speaker verification, 2000).

What is left goes through a logistic curve, whose two numbers were fitted once; `docs/how-search-works.md` has how.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

NEAREST_DESCRIPTIONS = 10
INTERCEPT, SLOPE = -1.8, 1.2
"""Of the logistic curve, over standardised margins."""

WORTH_SHOWING = 0.3
"""Hits less relevant than this are more of a guess than a find."""

_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """What texts about nothing that is there reach in one index, by one text encoder.

    Attributes:
        center: median of the margins of their best hits.
        spread: standard deviation of these.
    """

    center: float
    spread: float


def description_level(windows: Float32Array, descriptions: Float32Array) -> Float32Array:
    """How near everyday descriptions come to windows: the mean cosine of the few that come nearest.

    Args:
        windows: float32 (W, D), each of length 1.
        descriptions: float32 (N, D), each of length 1.

    Returns:
        float32 (W,).
    """
    cosines = windows @ descriptions.T
    count = min(NEAREST_DESCRIPTIONS, len(descriptions))
    level: Float32Array = np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1)
    return level


def calibrate(margins: npt.ArrayLike) -> Calibration:
    """Sums up the margins (M,) of the best hits of texts about rarities in one index, M >= 1."""
    values = np.asarray(margins, np.float64)
    return Calibration(float(np.median(values)), float(values.std()))


def standardize(margins: npt.ArrayLike, calibration: Calibration) -> Float64Array:
    """How far margins (W,) lie above those of rarities, in their standard deviations: float64 (W,)."""
    above = np.asarray(margins, np.float64) - calibration.center
    standardized: Float64Array = above / max(calibration.spread, _LEAST_SPREAD)
    return standardized


def relevance(margins: npt.ArrayLike, calibration: Calibration) -> Float64Array:
    """The estimated probability that hits, the nearest first, show what was asked for: float64 (W,).

    It is that of a query about something that is there as often as not. No hit is said to be more relevant than one
    that is nearer, so that relevance keeps their order and the best hit decides whether anything is relevant.

    Args:
        margins: of the hits (W,).
        calibration: of their index.
    """
    log_odds = INTERCEPT + SLOPE * standardize(margins, calibration)
    probability: Float64Array = np.minimum.accumulate((1 + np.tanh(log_odds / 2)) / 2)
    return probability
