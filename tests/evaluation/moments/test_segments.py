"""DiDeMo's ranks and mIoU, by hand, with annotators who disagree."""

import numpy as np

from vifi_cli.evaluation.moments.segments import candidates, segment_measures


def measures(first: list[tuple[int, int]], annotators: list[tuple[int, int]]) -> list[float]:
    """Of a ranking that begins with some segments; the others follow in the order of candidates."""
    parts = candidates(6)
    scores = np.zeros(len(parts))
    for place, (start, end) in enumerate(first):
        scores[parts.tolist().index([start, end])] = 100 - place
    rest = scores == 0
    scores[rest] = -np.arange(rest.sum()) - 1
    return segment_measures(scores, parts, np.array(annotators, float)).tolist()


def test_a_video_of_30_seconds_has_21_candidates() -> None:
    parts = candidates(6).tolist()
    assert len(parts) == 21
    assert ([0, 5] in parts, [10, 30] in parts, [5, 5] in parts) == (True, True, False)
    assert len(candidates(5)) == 15


def test_the_annotator_who_agrees_least_does_not_count() -> None:
    """Three of four agree, the fourth chose another part: rank 1, and IoU 1 with the three."""
    assert measures([(0, 10)], [(0, 10), (25, 30), (0, 10), (0, 10)]) == [1, 1, 1]


def test_ranks_and_iou_are_means_over_three_annotators() -> None:
    """Ranks 1, 1, 3 and 10 or more: their mean is 5/3, so only Rank@5; IoU 1, 1 and 1/2."""
    assert measures([(0, 10), (20, 25), (0, 5)], [(0, 10), (0, 10), (0, 5), (20, 30)]) == [
        0,
        1,
        (1 + 1 + 0.5) / 3,
    ]


def test_two_annotators_are_all_that_count() -> None:
    assert measures([(0, 5)], [(0, 5), (0, 5)]) == [1, 1, 1]


def test_a_model_that_tells_nothing_apart_gains_nothing() -> None:
    rank_1, rank_5, iou = segment_measures(np.zeros(21), candidates(6), np.array([[0.0, 5.0]] * 4))
    assert (rank_1, rank_5) == (0, 0)
    assert iou == 0
