"""From a text and marked moments to the query vector of a concept. Arithmetic only.

With few marks no comparison can tell for certain which form is best, and the mean of several forms is better than a
choice of one in nearly every test. So the forms are added up, each weighted by how well it ranks marks of videos that
were left out. Where the text alone would weigh more than all forms together, it is kept as it is.
`docs/how-search-works.md` has the reasons, `tests/benchmarks/teaching.py` the measurements.
"""

from dataclasses import dataclass

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from vifi_cli.index.background import Background
from vifi_cli.index.concepts.concept import CrossValidation, HeldOutScores
from vifi_cli.index.concepts.forms import FORMS, Coordinates, Fitted, fit_forms, fit_text
from vifi_cli.index.concepts.validation import cross_validation, held_out_scores

TEXT, BLEND = "text", "blend"
"""The forms of a learned query: the text alone, or the weighted mean of the forms."""

MOST_FOLDS = 12
"""Marks of more videos than this are left out together, so that many marks cost little more than few."""

TEXT_PRIOR = 3.0
"""How much the text alone counts beside the forms before anything is known, see `Form.prior`."""

TEMPERATURE = 0.25
"""Of the weights of the forms for marks of one video; it falls with the root of their number, as the error does."""


@dataclass(frozen=True, slots=True, eq=False)
class MarkedWindows:
    """What was marked, as the encoder sees it."""

    embeddings: Float32Array  # (M, D), each of length 1
    is_right: BoolArray  # (M,)
    groups: Int64Array  # (M,): marks of one group, such as one video, say the same about how well a query was learned


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What marks have taught."""

    query: Float32Array  # (D,), of length 1
    form: str  # TEXT or BLEND
    validation: CrossValidation | None  # None: too few marks to leave some out
    held_out: HeldOutScores


def learn_query(text: Float32Array, marked: MarkedWindows, background: Background) -> Lesson | None:
    """Learns from a text's embedding (D,) and marks; None unless there are right ones and wrong ones."""
    is_right = marked.is_right
    if is_right.all() or not is_right.any():
        return None
    at = Coordinates(
        text @ background.axes,
        background.coordinates(marked.embeddings),
        is_right,
        _folds(marked.groups, is_right),
        background.variances,
    )
    fitted = [fit_text(at), *fit_forms(at)]
    weights = _weights(fitted, at)
    keeps_text = weights[0] > 0.5
    if keeps_text:
        weights = np.eye(len(fitted))[0]
    query, margins, scores = (
        np.tensordot(weights, values, 1)
        for values in (
            [one.query for one in fitted],
            [one.margins for one in fitted],
            [one.scores for one in fitted],
        )
    )
    validation = cross_validation(fitted[0].margins, margins, is_right, marked.groups)
    embedding = background.axes @ query
    length = float(np.linalg.norm(embedding))
    if not length:
        return None
    held_out = held_out_scores(scores / length, is_right, marked.groups)
    return Lesson(
        (embedding / length).astype(np.float32), TEXT if keeps_text else BLEND, validation, held_out
    )


def _folds(groups: Int64Array, is_right: BoolArray) -> Int64Array:
    """The fold of each mark: its group, or some groups together; those with right marks are spread over the folds."""
    names, members = np.unique(groups, return_inverse=True)
    has_right = np.bincount(members, weights=is_right) > 0
    ranks = np.empty(len(names), np.int64)
    ranks[np.argsort(~has_right, kind="stable")] = np.arange(len(names))
    folds: Int64Array = ranks[members] % MOST_FOLDS
    return folds


def _weights(fitted: list[Fitted], at: Coordinates) -> Float64Array:
    """How much the text and each form count (F,), by the share of pairs of left out marks that each ranks correctly."""
    is_known = ~np.isnan(fitted[-1].margins)
    shares = np.array([(one.margins[is_known] > 0).mean() if is_known.any() else 0.5 for one in fitted])
    priors = np.array([TEXT_PRIOR, *(form.prior for form in FORMS)])
    weights: Float64Array = priors * np.exp((shares - shares.max()) / _temperature(at))
    weights /= weights.sum()
    return weights


def _temperature(at: Coordinates) -> float:
    """How large a difference between shares of correctly ranked pairs is to be believed."""
    folds = min(len(np.unique(at.folds[at.is_right == kind])) for kind in (True, False))
    return float(TEMPERATURE / np.sqrt(folds))
