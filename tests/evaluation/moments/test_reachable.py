"""The best reachable IoU against all pairs of edges."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.evaluation.moments.reachable import best_reachable_iou

EDGES = st.lists(st.integers(0, 60), min_size=2, max_size=12, unique=True).map(sorted)


def test_by_hand() -> None:
    edges = np.arange(0.0, 61.0)
    assert best_reachable_iou(edges, np.array([[3.0, 9.0]]), 32) == 1
    assert best_reachable_iou(edges, np.array([[3.5, 9.0]]), 32) == 5.5 / 6
    assert best_reachable_iou(edges, np.array([[0.0, 60.0]]), 32) == 32 / 60, "moments last 32 s at most"
    assert best_reachable_iou(edges, np.array([[0.0, 60.0], [1.0, 2.0]]), 32) == 1, "one window is enough"


@given(EDGES, st.integers(0, 55), st.integers(1, 50), st.integers(1, 40))
def test_no_pair_of_edges_is_better(edges: list[int], start: int, length: int, longest: int) -> None:
    end = start + length
    best = max(
        (
            max(min(b, end) - max(a, start), 0) / (max(b, end) - min(a, start))
            for a in edges
            for b in edges
            if 0 < b - a <= longest and min(b, end) > max(a, start)
        ),
        default=0.0,
    )
    found = best_reachable_iou(np.array(edges, float), np.array([[start, end]], float), longest)
    assert abs(found - best) < 1e-12
