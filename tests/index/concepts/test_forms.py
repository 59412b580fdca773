"""The forms of a learned query: what each counts, and what marks score when they are left out."""

from dataclasses import replace

import numpy as np
import pytest

from vifi_cli.index.concepts.forms import FORMS, Coordinates, Form, fit, fit_text

PLAIN = Form(shrinkage=1.0, text_weight=0.1, penalty=0.1)
WHITENED = Form(shrinkage=0.05, text_weight=0.1, penalty=0.1)
TWO_AXES = Coordinates(
    text=np.array([1.0, 0.0]),
    marks=np.array([[0.6, 0.2], [0.6, -0.2]]),
    is_right=np.array([True, False]),
    folds=np.array([0, 1]),
    variances=np.array([1.0, 0.01]),
)


def random_marks(count: int, dimension: int, folds: int) -> Coordinates:
    random = np.random.default_rng(count)
    return Coordinates(
        random.normal(size=dimension),
        random.normal(size=(count, dimension)),
        np.arange(count) % 3 == 0,
        np.arange(count) % folds,
        random.uniform(0.1, 2.0, dimension),
    )


def test_scores_of_the_text_are_its_own_in_deviations_of_the_index() -> None:
    fitted = fit_text(replace(TWO_AXES, text=np.array([0.0, 5.0])))
    assert fitted.query.tolist() == pytest.approx([0, 10])  # a deviation of 0.1 along the second axis
    assert fitted.scores.tolist() == pytest.approx([2, -2])
    assert fitted.margins.tolist() == [[pytest.approx(4)]]


def test_a_query_has_a_deviation_of_one_over_the_index() -> None:
    at = random_marks(9, 5, 9)
    for form in FORMS:
        query = fit(form, at).query
        assert (query * query) @ at.variances == pytest.approx(1)


def test_marks_turn_the_query_to_what_tells_them_apart() -> None:
    query = fit(PLAIN, TWO_AXES).query
    assert query[1] > query[0] > 0


def test_whitening_counts_directions_less_in_which_the_index_differs() -> None:
    plain, whitened = (fit(form, TWO_AXES).query for form in (PLAIN, WHITENED))
    assert whitened[1] / whitened[0] > 2 * plain[1] / plain[0]


@pytest.mark.parametrize("form", [PLAIN, WHITENED])
@pytest.mark.parametrize("folds", [7, 3])
def test_scores_without_a_fold_are_those_of_a_fit_without_it(form: Form, folds: int) -> None:
    """With the weight of each mark as before: without `_Ridge.without`, every fold would be fitted again."""
    at = random_marks(7, 4, folds)
    weights = np.append(0.5 / np.where(at.is_right, at.is_right.sum(), (~at.is_right).sum()), 0.25)
    deviations = np.sqrt((1 - form.shrinkage) * at.variances + form.shrinkage * at.variances.mean())
    whitened = at.marks / deviations
    marks = whitened / np.linalg.norm(whitened, axis=1, keepdims=True)
    text = fit_text(at).query * form.text_weight
    inputs, labels = np.vstack([marks, np.zeros(4)]), np.append(2.0 * at.is_right - 1, -1.0)
    targets = labels - np.append(at.marks @ text, 0.0)

    def scores_without(out: np.ndarray) -> np.ndarray:
        kept = np.append(~out, True)
        design = np.column_stack([inputs, np.ones(8)])[kept]
        penalty = np.diag([form.penalty] * 4 + [0.0])
        weighted = design * weights[kept, None]
        solution = np.linalg.solve(weighted.T @ design + penalty, weighted.T @ targets[kept])
        return whitened @ solution[:4] + at.marks @ text

    everything = np.zeros(7, bool)
    query_scores = scores_without(everything)
    fitted = fit(form, at)
    scale = (at.marks @ fitted.query)[0] / query_scores[0]
    assert at.marks @ fitted.query == pytest.approx(scale * query_scores)
    right, wrong = np.flatnonzero(at.is_right), np.flatnonzero(~at.is_right)
    for mark in range(7):
        out = at.folds == at.folds[mark]
        if (at.is_right & ~out).any():
            assert fitted.scores[mark] == pytest.approx(scale * scores_without(out)[mark])
    for row, one in enumerate(right):
        for column, other in enumerate(wrong):
            out = (at.folds == at.folds[one]) | (at.folds == at.folds[other])
            if at.folds[one] == at.folds[other] or not (at.is_right & ~out).any():
                assert np.isnan(fitted.margins[row, column])
            else:
                left = scores_without(out)
                assert fitted.margins[row, column] == pytest.approx(scale * (left[one] - left[other]))
