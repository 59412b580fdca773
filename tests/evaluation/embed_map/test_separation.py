"""How far classes lie apart: by hand, against slow references, and how sure one can be of it."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.embed_map.separation import Embeddings, gain, nearest_neighbors, separation
from vifi_cli.evaluation.scoring.confidence_intervals import bootstrap_means, interval_of

Labels = npt.NDArray[np.int64]


def on_a_circle(*degrees: float) -> Embeddings:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def test_by_hand() -> None:
    """Two videos at 0 and 60 degrees, two at 180 and 240, whose cosine distances are 1/2, 3/2 and 2."""
    found = separation(on_a_circle(0, 60, 180, 240), np.array([0, 0, 1, 1]))
    # of the first: a = 1 - cos 60 = 1/2; b = mean of 1 - cos 180 = 2 and 1 - cos 240 = 3/2
    expected = (1.75 - 0.5) / 1.75
    np.testing.assert_allclose(found.silhouettes, [expected] * 4, rtol=1e-6)
    assert found.silhouette.value == pytest.approx(expected)
    assert found.nearest.tolist() == [1, 0, 3, 2]
    assert found.purity.value == 1.0


def test_classes_that_lie_across_each_other() -> None:
    found = separation(on_a_circle(0, 10, 90, 100), np.array([0, 1, 0, 1]))
    assert found.purity.value == 0.0
    assert found.silhouette.value < 0


def test_a_video_alone_in_its_class_counts_in_no_purity_and_neither_way_in_the_silhouette() -> None:
    found = separation(on_a_circle(0, 5, 90), np.array([0, 0, 1]))
    assert found.silhouettes[2] == 0
    assert found.matches[:2].tolist() == [1, 1]
    assert np.isnan(found.matches[2])
    assert found.purity.value == 1.0


def slow_silhouettes(embeddings: Embeddings, labels: Labels) -> list[float]:
    values = []
    for video, label in enumerate(labels):
        distances = [1 - float(embeddings[video] @ other) for other in embeddings]
        own = [d for other, d in enumerate(distances) if labels[other] == label and other != video]
        if not own:
            values.append(0.0)
            continue
        a = sum(own) / len(own)
        b = min(
            float(np.mean([d for d, one in zip(distances, labels, strict=True) if one == another]))
            for another in set(labels.tolist()) - {label}
        )
        values.append((b - a) / max(a, b))
    return values


@given(st.integers(0, 10_000), st.integers(4, 20), st.integers(2, 4))
def test_scores_equal_slow_references(seed: int, videos: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    embeddings = random.normal(size=(videos, 5)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labels = np.concatenate([[0, 0, 1], random.integers(0, classes, videos - 3)])
    found = separation(embeddings, labels)
    np.testing.assert_allclose(found.silhouettes, slow_silhouettes(embeddings, labels), atol=1e-4)
    for video, nearest in enumerate(found.nearest.tolist()):
        cosines = embeddings @ embeddings[video]
        assert nearest != video
        assert cosines[nearest] >= np.delete(cosines, video).max() - 1e-6
    counted = [
        float(labels[found.nearest[video]] == label)
        for video, label in enumerate(labels)
        if (labels == label).sum() > 1
    ]
    assert found.purity.value == pytest.approx(np.mean(counted))


def test_neighbours_are_found_across_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(50, 4)).astype(np.float32)
    groups = random.integers(0, 9, 50)
    whole = nearest_neighbors(embeddings, groups)
    monkeypatch.setattr("vifi_cli.evaluation.embed_map.separation.ROWS_AT_ONCE", 7)
    np.testing.assert_array_equal(nearest_neighbors(embeddings, groups), whole)
    assert (groups[whole] != groups).all()


def test_of_equal_neighbours_the_first_counts_and_a_copy_is_not_itself() -> None:
    assert nearest_neighbors(on_a_circle(30, 30, 30), np.arange(3)).tolist() == [1, 0, 0]


def test_videos_of_one_group_are_no_neighbours() -> None:
    """Two people who each stand apart, and what they do, which shows in little."""
    embeddings, labels = on_a_circle(0, 10, 90, 100), np.array([0, 1, 0, 1])
    assert separation(embeddings, labels).purity.value == 0.0
    found = separation(embeddings, labels, ["ann", "ann", "bob", "bob"])
    assert found.nearest.tolist() == [2, 2, 1, 1]
    assert found.purity.value == 0.5
    alone = separation(embeddings, np.array([0, 0, 1, 2]), ["ann", "ann", "bob", "bob"])
    assert alone.purity is None, "no one of another group could be of the same class"
    assert np.isnan(alone.matches).all()


def test_a_gain_is_paired_and_zero_against_itself() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 10)
    centres = random.normal(size=(4, 8))

    def model(spread: float) -> Embeddings:
        embeddings = centres[labels] + spread * np.random.default_rng(1).normal(size=(40, 8))
        unit: Embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
        return unit

    loose, tight = separation(model(1.5), labels), separation(model(0.3), labels)
    gained = gain(tight, loose)
    assert gained.silhouette.value == pytest.approx(tight.silhouette.value - loose.silhouette.value)
    assert gained.silhouette.low is not None
    assert gained.silhouette.low > 0
    assert gained.purity.value == pytest.approx(tight.purity.value - loose.purity.value)
    nothing = gain(tight, tight)
    assert (nothing.silhouette.value, nothing.silhouette.low, nothing.silhouette.high) == (0, 0, 0)


def test_whole_groups_are_drawn_for_intervals() -> None:
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(30, 4)).astype(np.float32)
    labels, groups = np.arange(30) % 3, [f"person {number // 6}" for number in range(30)]
    found, without = separation(embeddings, labels, groups), separation(embeddings, labels)
    for scores, drawn_over in ((found, groups), (without, ())):
        interval = interval_of(bootstrap_means(scores.silhouettes, drawn_over))
        assert (scores.silhouette.low, scores.silhouette.high) == interval
    assert found.silhouette.value == without.silhouette.value
    assert found.silhouette.low != without.silhouette.low


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_what_cannot_be_separated_is_said(labels: list[int]) -> None:
    with pytest.raises(InvalidInput, match="two classes, and two videos of one"):
        separation(on_a_circle(0, 30, 90), np.array(labels))
