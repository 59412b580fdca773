"""From cosines to relevance for a concept: how marks score that were left out, compared with the index as it is.

A right mark that a query was not learned from scores as an unseen moment does that shows the concept. Most windows of
an index do not show it: their median and spread say how the others score. Where wrong marks score lower than that, many
windows do show it, and the wrong marks say it instead. Two normal distributions of one variance
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

USUAL_SHARE = 0.2
"""Of windows that show a concept, before the index is looked at; counts as twice the root of the number of windows."""

MOST_SHARE = 0.5

SHARE_ROUNDS = 30

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
    median, videos = float(np.median(of_index)), held_out.right_videos
    spread = max(NORMAL_MAD * float(np.median(np.abs(of_index - median))), 1e-6)
    counts = USUAL_VARIANCE_COUNT + held_out.marks
    # windows of kinds that nobody marked score far from the rest, so the deviation counts, not the robust spread
    of_all = max(float(of_index.var()), spread**2)
    variance = (USUAL_VARIANCE_COUNT * of_all + held_out.marks * held_out.variance) / counts
    of_right = (median + USUAL_GAP * spread + held_out.right_mean * videos) / (1 + videos)
    level = min(median, _likely_level(median, held_out))
    slope = SLOPE_FACTOR * max(of_right - level, 1e-3 * spread) / variance
    slope /= math.sqrt(
        1 + math.pi / 8 * slope**2 * variance / (1 + videos)
    )  # the level of right ones is uncertain
    middle = (of_right + level) / 2
    share = _share(slope * (of_index - middle))
    return _probability(slope * (scores - middle), share)


def _likely_level(median: float, held_out: HeldOutScores) -> float:
    """What wrong marks score, and a standard error more; the median of an index counts as one more video."""
    videos = held_out.wrong_videos
    error = math.sqrt(held_out.variance / max(videos, 1))
    return (median + (held_out.wrong_mean + error) * videos) / (1 + videos)


def _share(log_odds: Float64Array) -> float:
    """The share of windows (N,) that show a concept: the mean of their probabilities at that very share.

    Found by expectation maximization (Saerens, Latinne and Decaestecker, Neural Computation 14, 2002).
    """
    share, usual_weight = USUAL_SHARE, 2 * math.sqrt(len(log_odds))
    for _ in range(SHARE_ROUNDS):
        found = float(_probability(log_odds, share).sum()) + usual_weight * USUAL_SHARE
        share = min(MOST_SHARE, found / (len(log_odds) + usual_weight))
    return share


def _probability(log_odds: Float64Array, share: float) -> Float64Array:
    probability: Float64Array = (1 + np.tanh((log_odds + math.log(share / (1 - share))) / 2)) / 2
    return probability
