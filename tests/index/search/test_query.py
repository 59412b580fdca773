import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.query import combine

VECTORS = hnp.arrays(np.float64, (3, 4), elements=st.floats(-1, 1)).filter(
    lambda rows: (np.linalg.norm(rows, axis=1) > 0.1).all()
)
WEIGHTS = st.lists(st.floats(0.1, 9), min_size=3, max_size=3)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@given(VECTORS, WEIGHTS)
def test_the_sum_has_length_1_and_leans_to_the_heaviest(vectors: np.ndarray, weights: list[float]) -> None:
    rows = unit(vectors)
    total = np.asarray(weights) @ rows
    assume(np.linalg.norm(total) > 0.02 * sum(weights))
    combined = combine(rows, weights)
    assert combined.dtype == np.float32
    np.testing.assert_allclose(combined, unit(total), atol=1e-5)
    np.testing.assert_allclose(combine(rows, [10 * weight for weight in weights]), combined, atol=1e-5)


def test_one_wanted_term_stays_as_it_is() -> None:
    row = unit(np.array([[0.3, -0.2, 0.7]]))
    np.testing.assert_array_equal(combine(row, [2.0]), row[0])


def test_what_is_unwanted_is_left_out() -> None:
    both, left, right = unit(np.array([[1, 1], [1, 0], [0, 1]]))
    combined = combine(np.stack([both, left]), [1.0, -0.7])
    assert combined @ right > both @ right > 0
    assert combined @ left < 0.1


@pytest.mark.parametrize("weights", [[1.0, -1.0], [0.5, -0.501], [100.0, -100.0]])
def test_terms_that_cancel_out_are_refused(weights: list[float]) -> None:
    row = unit(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(InvalidInput, match="cancel each other out"):
        combine(np.stack([row, row]), weights)
    opposite = np.stack([row, -row])
    with pytest.raises(InvalidInput, match="cancel each other out"):
        combine(opposite, [abs(weight) for weight in weights])
