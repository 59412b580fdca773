"""How well marks that were left out are ranked: average precision, with an interval over the videos."""

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float64Array, Int64Array
from vifi_cli.index.concepts.concept import CrossValidation

DRAWS = 500
STUDENT_QUANTILES = (
    12.71,
    4.30,
    3.18,
    2.78,
    2.57,
    2.45,
    2.36,
    2.31,
    2.26,
    2.23,
    2.20,
    2.18,
    2.16,
    2.14,
    2.13,
)
"""97.5 % of Student's t distribution for 1, 2, 3 ... degrees of freedom; later ones are taken for the last."""


def average_precision(scores: Float64Array, is_right: BoolArray, counts: Float64Array | None = None) -> float:
    """The average precision of a ranking, for scores (M,) with at least one right; `counts` (M,) repeats each.

    Of equal scores, the wrong ones come first.
    """
    counts = np.ones(len(scores)) if counts is None else counts
    order = np.lexsort((is_right, -scores))
    rights = counts[order] * is_right[order]
    precision = np.cumsum(rights) / np.maximum(np.cumsum(counts[order]), 1)
    return float((precision * rights).sum() / rights.sum())


def cross_validation(
    text_scores: Float64Array, learned_scores: Float64Array, is_right: BoolArray, groups: Int64Array
) -> CrossValidation:
    """Compares two rankings of the same marks (M,), both kinds among them, in two or more groups."""
    names, members = np.unique(groups, return_inverse=True)
    random = np.random.default_rng(0)
    gains = []
    for _ in range(DRAWS):
        drawn = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        counts = drawn[members].astype(float)
        if (counts * is_right).any() and (counts * ~is_right).any():
            gains.append(
                average_precision(learned_scores, is_right, counts)
                - average_precision(text_scores, is_right, counts)
            )
    text, learned = (average_precision(scores, is_right) for scores in (text_scores, learned_scores))
    freedom = min(len(np.unique(groups[is_right])), len(np.unique(groups[~is_right]))) - 1
    quantile = STUDENT_QUANTILES[min(freedom, len(STUDENT_QUANTILES)) - 1]
    half = quantile * float(np.std(gains)) if freedom else 1.0
    low, high = max(learned - text - half, -1.0), min(learned - text + half, 1.0)
    return CrossValidation(int(is_right.sum()), int((~is_right).sum()), text, learned, low, high)
