"""From cosines to relevance for a concept: how marks score that were left out, compared with the index as it is.

A right mark that a query was not learned from scores as an unseen moment does that shows the concept. Most windows of
an index do not show it: their median and spread say how the others score. Two normal distributions of one variance
give a logistic curve between the two. Its slope is reduced by a fitted factor, since marks are few and videos differ.
`docs/how-search-works.md` explains it, `tests/benchmarks/teaching.py` measures it. Arithmetic only.
"""

import math

import numpy as np

from vifi_cli.index.arrays import Float32Array, Float64Array
from vifi_cli.index.concepts.concept import HeldOutScores
from vifi_cli.index.relevance.calibration import Rater
from vifi_cli.index.vectors import BACKGROUND_WINDOWS, Vectors

USUAL_GAP = 1.2
"""How far right marks are above the median of an index, in its spreads; counts as one video that was marked."""

USUAL_VARIANCE_COUNT = 5
"""As how many marks the spread of the index counts for the variance of scores."""

SLOPE_FACTOR = 0.7

MOST_SHOWN = 0.15
"""The share of windows that are assumed to show a concept, unless fewer score as right marks do."""

NORMAL_MAD = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""


def concept_rater(held_out: HeldOutScores) -> Rater:
    """Rates the hits of a concept."""

    def rate(vectors: Vectors, query: Float32Array, cosines: Float32Array) -> Float64Array:
        windows = vectors.spread_sample(BACKGROUND_WINDOWS)
        mean = vectors.background.mean @ query
        return concept_relevance(cosines - mean, (windows @ query) - mean, held_out)

    return rate


def concept_relevance(scores: Float64Array, of_index: Float64Array, held_out: HeldOutScores) -> Float64Array:
    """The estimated probability that hits (H,) show a concept, by scores like those of windows of the index (N,)."""
    level = float(np.median(of_index))
    spread = max(NORMAL_MAD * float(np.median(np.abs(of_index - level))), 1e-6)
    usual, videos = level + USUAL_GAP * spread, held_out.right_videos
    of_right = (usual + held_out.right_mean * videos) / (1 + videos)
    counts = USUAL_VARIANCE_COUNT + held_out.marks
    # windows of kinds that nobody marked score far from the rest, so the deviation counts, not the robust spread
    of_all = max(float(of_index.var()), spread**2)
    variance = (USUAL_VARIANCE_COUNT * of_all + held_out.marks * held_out.variance) / counts
    slope = SLOPE_FACTOR * max(of_right - level, 1e-3 * spread) / variance
    slope /= math.sqrt(
        1 + math.pi / 8 * slope**2 * variance / (1 + videos)
    )  # the level of right ones is uncertain
    shown = min(MOST_SHOWN, 2 * float((of_index >= of_right).mean()) + 1 / len(of_index))
    log_odds = slope * (scores - (of_right + level) / 2) + math.log(shown / (1 - shown))
    probability: Float64Array = (1 + np.tanh(log_odds / 2)) / 2
    return probability
