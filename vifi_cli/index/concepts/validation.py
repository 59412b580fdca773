"""How well marks that were left out are ranked: average precision, with an interval over the videos."""

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float64Array, Int64Array
from vifi_cli.index.concepts.concept import CrossValidation, HeldOutScores
from vifi_cli.resampling import draws_of_units, student_quantile

DRAWS = 500


def cross_validation(
    text_margins: Float64Array, learned_margins: Float64Array, is_right: BoolArray, groups: Int64Array
) -> CrossValidation | None:
    """Compares two rankings of marks (M,) by margins (R, W) of right ones over wrong ones.

    A NaN is a pair that cannot be compared. None if there is no other pair.
    """
    is_known = ~np.isnan(learned_margins)
    if not is_known.any():
        return None
    text_margins = np.where(is_known, text_margins, np.nan)
    once = np.ones((1, len(groups)))
    text, learned = (
        float(average_precisions(margins, once[:, is_right], once[:, ~is_right])[0])
        for margins in (text_margins, learned_margins)
    )
    half = _half_interval(text_margins, learned_margins, is_right, groups)
    low, high = max(learned - text - half, -1.0), min(learned - text + half, 1.0)
    right, wrong = int(is_known.any(axis=1).sum()), int(is_known.any(axis=0).sum())
    return CrossValidation(right, wrong, text, learned, low, high)


def held_out_scores(scores: Float64Array, is_right: BoolArray, groups: Int64Array) -> HeldOutScores:
    """Summarizes the scores of marks (M,) that were left out; NaN is one that could not be."""
    is_known = ~np.isnan(scores)
    kinds = [is_known & is_right, is_known & ~is_right]
    right_mean, wrong_mean = (float(scores[kind].mean()) if kind.any() else 0.0 for kind in kinds)
    right_videos, wrong_videos = (len(np.unique(groups[kind])) for kind in kinds)
    deviations = np.concatenate(
        [scores[kind] - scores[kind].mean() if kind.sum() > 1 else scores[:0] for kind in kinds]
    )
    return HeldOutScores(
        right_mean,
        right_videos,
        wrong_mean,
        wrong_videos,
        float(deviations @ deviations) / max(len(deviations), 1),
        len(deviations),
    )


def average_precisions(
    margins: Float64Array, right_counts: Float64Array, wrong_counts: Float64Array
) -> Float64Array:
    """The average precision of a ranking in each of some draws (N,), NaN where a draw has nothing to compare.

    `margins` (R, W) says how far each right item is above each wrong one; pairs that are NaN are left out, and those
    that are equal count as wrongly ranked. The counts (N, R) and (N, W) say how many times a draw has each item.
    """
    is_known, is_below = ~np.isnan(margins), margins <= 0
    with np.errstate(all="ignore"):
        share_above = (is_below @ wrong_counts.T) / (is_known @ wrong_counts.T)  # (R, N)
        order = np.argsort(share_above, axis=0)
        above = np.take_along_axis(share_above * wrong_counts.sum(axis=1), order, axis=0)
        counts = np.take_along_axis(np.where(np.isnan(share_above), 0.0, right_counts.T), order, axis=0)
        found = np.cumsum(counts, axis=0)
        precision = np.where(counts > 0, found / (found + above), 0.0)
        average: Float64Array = (precision * counts).sum(axis=0) / counts.sum(axis=0)
    return average


def _half_interval(
    text_margins: Float64Array, learned_margins: Float64Array, is_right: BoolArray, groups: Int64Array
) -> float:
    """Half of the 95 % interval of the difference, from draws of complete groups; 1 if one group has all of a kind."""
    freedom = min(len(np.unique(groups[is_right])), len(np.unique(groups[~is_right]))) - 1
    if not freedom:
        return 1.0
    drawn = draws_of_units(len(groups), groups, draws=DRAWS)
    text, learned = (
        average_precisions(margins, drawn[:, is_right], drawn[:, ~is_right])
        for margins in (text_margins, learned_margins)
    )
    gains = (learned - text)[~np.isnan(learned - text)]
    return student_quantile(freedom) * float(gains.std()) if len(gains) else 1.0
