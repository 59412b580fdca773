"""Linear probes: scikit-learn's probabilities, with C chosen without the test videos."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vifi_cli.errors import InvalidInput
from vifi_cli.model.towers.class_head import LinearProbe
from vifi_cli.training.heads import linear_probe
from vifi_cli.training.heads.linear_probe import STRENGTHS, USUAL_STRENGTH, fit_linear_probe
from vifi_cli.training.heads.samples import HeadSamples


def clips(
    labels: list[int], classes: int, units: str = "", *, noise: float = 0.5, seed: int = 0
) -> HeadSamples:
    """Embeddings around a direction per class."""
    generator = np.random.default_rng(seed)
    embeddings = np.eye(classes, 8)[labels] + noise * generator.normal(size=(len(labels), 8))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    shares = np.eye(classes, dtype=np.float32)[labels]
    named = tuple(units) if units else tuple(map(str, range(len(labels))))
    return HeadSamples(embeddings.astype(np.float32), shares, named)


def probabilities(probe: object, samples: HeadSamples) -> np.ndarray:
    assert isinstance(probe, LinearProbe)
    rows = probe.rows(range(samples.shares.shape[1]))
    return probe(torch.from_numpy(samples.embeddings), rows, torch.tensor(1.0)).softmax(-1).numpy()


@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    train = clips([place % classes for place in range(24)], classes)
    fitted = fit_linear_probe(train, None)
    strength = float(fitted.facts["C"].partition(",")[0])
    assert strength in STRENGTHS
    reference = LogisticRegression(C=strength, max_iter=1000, tol=1e-4)
    reference.fit(train.embeddings.astype(np.float64), train.shares.argmax(1))
    expected = reference.predict_proba(train.embeddings)
    np.testing.assert_allclose(probabilities(fitted.head, train), expected, atol=1e-5)


def test_several_classes_are_learned_in_their_shares() -> None:
    """At the optimum of the soft cross-entropy, its gradient is that of the penalty: W / C = (targets - p)^T X."""
    train = clips([place % 3 for place in range(30)], 3)
    train.shares[::5] = [0.5, 0.5, 0]
    fitted = fit_linear_probe(train, None)
    strength = float(fitted.facts["C"].partition(",")[0])
    missing = (train.shares - probabilities(fitted.head, train)).T @ train.embeddings
    assert isinstance(fitted.head, LinearProbe)
    np.testing.assert_allclose(fitted.head.weight.numpy() / strength, missing, atol=2e-3)
    assert "mAP" in fitted.facts["C"]


def test_the_strength_is_chosen_on_val_where_there_is_one() -> None:
    train, val = clips([0, 1] * 10, 2, noise=1.5), clips([0, 1] * 30, 2, noise=0.7, seed=5)
    fitted = fit_linear_probe(train, val)
    assert "chosen on 60 val videos (top-1 " in fitted.facts["C"]
    scored = {}
    for strength in STRENGTHS:
        reference = LogisticRegression(C=strength, max_iter=1000)
        reference.fit(train.embeddings.astype(np.float64), train.shares.argmax(1))
        found = reference.predict_proba(val.embeddings)
        right = np.maximum(found[np.arange(60), val.shares.argmax(1)], 1e-30)
        scored[strength] = ((right > 0.5).mean(), np.log(right).mean())
    assert fitted.facts["C"].startswith(f"{max(scored, key=lambda each: scored[each]):g},")


def test_the_probe_is_the_one_that_was_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    def alike(samples: HeadSamples) -> HeadSamples:
        """Embeddings that hardly differ, so that L-BFGS stops before the optimum."""
        embeddings = np.full_like(samples.embeddings, 8**-0.5) + 3e-3 * samples.embeddings
        return HeadSamples(embeddings, samples.shares, samples.units)

    scored: dict[str, list[np.ndarray]] = {}

    def watched(probe: LinearProbe, samples: HeadSamples) -> np.ndarray:
        predicted = probabilities(probe, samples)
        scored.setdefault(f"{STRENGTHS[len(scored)]:g}", []).append(predicted)
        return predicted

    monkeypatch.setattr(linear_probe, "_predicted", watched)
    train, val = alike(clips([0, 1, 2] * 8, 3)), alike(clips([0, 1, 2] * 8, 3, seed=5))
    fitted = fit_linear_probe(train, val)
    (expected,) = scored[fitted.facts["C"].partition(",")[0]]
    np.testing.assert_array_equal(probabilities(fitted.head, val), expected)


def test_cross_validation_keeps_groups_together(monkeypatch: pytest.MonkeyPatch) -> None:
    from vifi_cli.training.heads import linear_probe

    train = clips([0, 1, 2] * 4, 3, "aaabbbcccddd")
    seen = list(linear_probe._folds(train))
    assert len(seen) == 4
    for fit, held in seen:
        assert not set(fit.units) & set(held.units)
        assert len(fit) + len(held) == 12
    assert "4 groups by 4-fold cross-validation" in fit_linear_probe(train, None).facts["C"]


@pytest.mark.parametrize("units", ["abc", "aaa"])
def test_one_video_a_class_leaves_nothing_to_choose_on(units: str) -> None:
    fitted = fit_linear_probe(clips([0, 1, 2], 3, units, noise=0.1), None)
    assert fitted.facts["C"] == f"{USUAL_STRENGTH:g}, as CLIP's, since no class has videos to hold out"
    samples = clips([0, 1, 2], 3, noise=0.1)
    assert probabilities(fitted.head, samples).argmax(1).tolist() == [0, 1, 2]


def test_two_videos_a_class_are_enough_to_choose_on() -> None:
    assert "2-fold" in fit_linear_probe(clips([0, 1, 2] * 2, 3), None).facts["C"]


def test_a_class_without_a_readable_video_is_never_predicted() -> None:
    train = clips([0, 2] * 6, 3)
    shares = probabilities(fit_linear_probe(train, None).head, train)
    assert shares[:, 1].max() == 0
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)


def test_a_single_class_is_refused() -> None:
    with pytest.raises(InvalidInput, match="needs readable training videos of two classes"):
        fit_linear_probe(clips([1, 1], 3), None)
