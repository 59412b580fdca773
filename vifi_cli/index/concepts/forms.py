"""The forms in which a query can be learned from marks, and what each ranks when marks are left out.

A form is a ridge regression of the marks, right 1 and wrong -1, that starts from the text: the more it is penalized,
the more the text decides. Both kinds of marks weigh the same, however many there are. The mean of the index counts as a
wrong mark, since most of an index does not show a concept.

Before, the index's windows are whitened, as far as the form says: directions in which all of them differ, such as who
is in view, then count less. What is left of the covariance is shrunk towards equal variances, with 1 for no whitening.

A ridge regression has its predictions for marks that are left out in closed form, complete groups included (Cook and
Weisberg, Residuals and Influence in Regression, 1982, chapter 3). So comparing the forms costs milliseconds.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float64Array, Int64Array

MEAN_WEIGHT = 0.25
"""Of the mean of the index as a wrong mark; all right marks together weigh 0.5, as all wrong ones do."""


@dataclass(frozen=True, slots=True)
class Form:
    """A way to learn a query."""

    shrinkage: float  # of the covariance, from 0 for complete whitening to 1 for none
    text_weight: (
        float  # of the text's score, in standard deviations over the index, beside labels of 1 and -1
    )
    penalty: float  # of the ridge regression

    @property
    def prior(self) -> float:
        """How much it counts before anything is known; whitening is the greatest gain, and the greatest risk."""
        return 2.0 if self.shrinkage == 1 else 1.0


FORMS = tuple(Form(*values) for values in product((1.0, 0.7, 0.2, 0.05), (0.25, 0.1), (1.0, 0.1)))


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """A text and marks on the principal axes of an index."""

    text: Float64Array  # (D,), as a direction
    marks: Float64Array  # (M, D), from the mean of the index
    is_right: BoolArray  # (M,)
    folds: Int64Array  # (M,): marks of one fold are left out together
    variances: Float64Array  # (D,)

    def per_deviation(self, query: Float64Array) -> Float64Array:
        """A query scaled so that its scores have a standard deviation of 1 over the index."""
        spread = float(np.sqrt((query * query) @ self.variances))
        length = float(np.linalg.norm(query))
        if spread <= 1e-6 * length:  # all windows of the index are alike
            spread = length
        return query / spread if spread else query


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A query in one form, and how the marks score that were left out when it was fitted."""

    query: Float64Array  # (D,), on the axes, with scores of standard deviation 1
    scores: Float64Array  # (M,), each without its fold, in those deviations above the mean of the index; may be NaN
    # (R, W): how much higher a right mark scores than a wrong one, without the folds of both; NaN within one fold
    margins: Float64Array


def fit_text(at: Coordinates) -> Fitted:
    """The text, which learns from no mark."""
    query = at.per_deviation(at.text)
    scores = at.marks @ query
    margins = scores[at.is_right][:, None] - scores[~at.is_right]
    folds_of_right, folds_of_wrong = at.folds[at.is_right][:, None], at.folds[~at.is_right]
    return Fitted(query, scores, np.where(folds_of_right == folds_of_wrong, np.nan, margins))


def fit_forms(at: Coordinates) -> list[Fitted]:
    """Learns from marks of both kinds in each of `FORMS`; those that differ in the text alone share a system."""
    systems = {
        (shrinkage, penalty): _System.of(at, shrinkage, penalty)
        for shrinkage, penalty in dict.fromkeys((form.shrinkage, form.penalty) for form in FORMS)
    }
    return [_fit(form, at, systems[form.shrinkage, form.penalty]) for form in FORMS]


def fit(form: Form, at: Coordinates) -> Fitted:
    """Learns from marks of both kinds in one form."""
    return _fit(form, at, _System.of(at, form.shrinkage, form.penalty))


def _fit(form: Form, at: Coordinates, system: "_System") -> Fitted:
    text = at.per_deviation(at.text) * form.text_weight
    solved = system.solve(at.is_right, at.marks @ text)
    query = text + system.marks.T @ solved.solution[: len(system.marks)] / system.deviations
    scaled = at.per_deviation(query)
    length = float(np.linalg.norm(query))
    scale = float(np.linalg.norm(scaled)) / length if length else 1.0
    scores, margins = _left_out(solved, at)
    return Fitted(scaled, scores * scale, margins * scale)


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """A ridge regression in its dual form: marks, the mean of the index and the bias, M + 2 unknowns."""

    marks: Float64Array  # (M, D), whitened, of length 1
    lengths: Float64Array  # (M,), before they were scaled
    deviations: Float64Array  # (D,), by which they were whitened
    inverse: Float64Array  # (M + 2, M + 2)

    @classmethod
    def of(cls, at: Coordinates, shrinkage: float, penalty: float) -> "_System":
        """The equations for whitening and penalty, whatever the text is."""
        variances = (1 - shrinkage) * at.variances + shrinkage * at.variances.mean()
        deviations = np.sqrt(variances) if variances.any() else np.ones_like(variances)
        whitened = at.marks / deviations
        lengths = np.linalg.norm(whitened, axis=1, keepdims=True)
        marks = np.divide(whitened, lengths, out=np.zeros_like(whitened), where=lengths > 0)
        count, is_right = len(marks), at.is_right
        weights = np.append(0.5 / np.where(is_right, is_right.sum(), (~is_right).sum()), MEAN_WEIGHT)
        system = np.zeros((count + 2, count + 2))
        system[:count, :count] = marks @ marks.T
        system[range(count + 1), range(count + 1)] += penalty / weights
        system[: count + 1, -1] = system[-1, : count + 1] = 1.0
        return cls(marks, lengths[:, 0], deviations, np.linalg.inv(system).astype(np.float64))

    def solve(self, is_right: BoolArray, text_scores: Float64Array) -> "_Ridge":
        """The regression that starts from what the text scores (M,)."""
        labels = np.where(is_right, 1.0, -1.0)
        solution = self.inverse @ np.concatenate([labels - text_scores, [-1.0, 0.0]])
        return _Ridge(self.lengths, text_scores, labels, self.inverse, solution)


@dataclass(frozen=True, slots=True, eq=False)
class _Ridge:
    """Its solution."""

    lengths: Float64Array  # (M,), of the whitened marks, which are scaled to length 1
    text_scores: Float64Array  # (M,)
    labels: Float64Array  # (M,), 1 and -1
    inverse: Float64Array  # (M + 2, M + 2), of the system
    solution: Float64Array  # (M + 2,)

    def without(self, places: Int64Array) -> Float64Array:
        """The scores of some marks, above the mean of the index, when they are left out together."""
        change = np.linalg.solve(self.inverse[np.ix_(places, places)], self.solution[places])
        bias = self.solution[-1] - self.inverse[-1, places] @ change
        of_marks = self.labels[places] - self.text_scores[places] - change - bias
        scores: Float64Array = self.lengths[places] * of_marks + self.text_scores[places]
        return scores


def _left_out(solved: _Ridge, at: Coordinates) -> tuple[Float64Array, Float64Array]:
    """Scores without one fold, and margins without two; NaN where marks of one kind alone would be left."""
    scores = np.full(len(at.folds), np.nan)
    differences = np.full((len(at.folds), len(at.folds)), np.nan)
    names = np.unique(at.folds)
    for place, first in enumerate(names):
        for second in names[place:]:
            is_out = (at.folds == first) | (at.folds == second)
            if at.is_right[is_out].sum() == at.is_right.sum() or not (~at.is_right[~is_out]).any():
                continue
            out = np.flatnonzero(is_out)
            found = solved.without(out)
            if first == second:
                scores[out] = found
            else:
                is_across = at.folds[out][:, None] != at.folds[out]
                block = found[:, None] - found
                differences[np.ix_(out, out)] = np.where(is_across, block, differences[np.ix_(out, out)])
    return scores, differences[np.ix_(at.is_right, ~at.is_right)]
