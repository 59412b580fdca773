"""Tip-Adapter: the published formula, with alpha and beta chosen on what a clip's own group does not show."""

import numpy as np
import torch

from tests.training.heads.test_linear_probe import clips
from vifi_cli.model.towers.class_head import TipAdapter
from vifi_cli.training.heads import tip_adapter
from vifi_cli.training.heads.samples import HeadSamples
from vifi_cli.training.heads.tip_adapter import ALPHAS, BETAS, USUAL, fit_tip_adapter

SCALE = torch.tensor(10.0)
TEXTS = torch.eye(3, 8)


def head_of(train: HeadSamples, val: HeadSamples | None = None) -> tuple[TipAdapter, str]:
    fitted = fit_tip_adapter(train, val, TEXTS, SCALE)
    assert isinstance(fitted.head, TipAdapter)
    return fitted.head, fitted.in_words


def test_the_cache_is_the_training_clips() -> None:
    train = clips([0, 1, 2, 1], 3)
    head, _ = head_of(train)
    assert torch.equal(head.keys, torch.from_numpy(train.embeddings))
    assert torch.equal(head.values, torch.from_numpy(train.shares))


def test_alpha_and_beta_are_those_that_score_best_on_val() -> None:
    train, val = clips([0, 1, 2] * 5, 3, noise=0.4), clips([0, 1, 2] * 8, 3, noise=0.6, seed=3)
    head, words = head_of(train, val)
    assert "chosen on 24 val videos (top-1 " in words
    labels = val.shares.argmax(1)
    scored = {}
    for alpha in ALPHAS:
        for beta in BETAS:
            near = np.exp(-beta * (1 - val.embeddings @ train.embeddings.T)) @ train.shares
            logits = 10 * val.embeddings @ TEXTS.numpy().T + alpha * near
            shares = torch.from_numpy(logits).softmax(-1).numpy()
            hits = float((shares.argmax(1) == labels).mean())
            scored[alpha, beta] = (hits, float(np.log(np.maximum(shares[range(24), labels], 1e-30)).mean()))
    best = max(scored.values())
    found = scored[float(head.alpha), float(head.beta)]
    assert found[0] == best[0]
    assert abs(found[1] - max(loss for hits, loss in scored.values() if hits == best[0])) < 1e-4


def test_without_val_a_clip_is_classified_without_its_group() -> None:
    """The keys of a group name its clips perfectly, and those of others incorrectly: only texts help."""
    texts = np.eye(3, 8, dtype=np.float32)
    places = [(0, "a"), (1, "a"), (2, "a"), (0, "b"), (1, "b"), (2, "b")]
    embeddings = np.stack([texts[label] for label, _ in places])
    # in both groups the second class looks like the first of the other group in a further direction
    for row, (label, group) in zip(embeddings, places, strict=True):
        row[3 + (label if group == "a" else (label + 1) % 3)] = 2
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    shares = np.eye(3, dtype=np.float32)[[label for label, _ in places]]
    train = HeadSamples(embeddings, shares, tuple(group for _, group in places))
    head, words = head_of(train)
    assert float(head.alpha) <= 1, "the cache of the other group is wrong"
    assert "chosen on 6 training videos, each without its group (top-1 100.0%)" in words
    own = HeadSamples(embeddings, shares, tuple("abcdef"))
    seen = np.array(own.units)[:, None] != np.array(own.units)
    on_grid = tip_adapter._on_grid(own, own, seen, TEXTS, 10.0)
    assert len(on_grid) == len(ALPHAS) * len(BETAS)


def test_a_left_out_key_counts_nothing() -> None:
    train = clips([0, 1], 3)
    alone = np.array([[False, True], [True, False]])
    found = tip_adapter._on_grid(train, train, alone, TEXTS, 10.0)[1.0, 4.0]
    cosine = float(train.embeddings[0] @ train.embeddings[1])
    logits = 10 * train.embeddings @ TEXTS.numpy().T
    logits[0, 1] += np.exp(-4 * (1 - cosine))
    logits[1, 0] += np.exp(-4 * (1 - cosine))
    np.testing.assert_allclose(found, torch.from_numpy(logits).softmax(-1).numpy(), rtol=1e-5)


def test_one_video_a_class_takes_the_published_values() -> None:
    head, words = head_of(clips([0, 1, 2], 3))
    np.testing.assert_allclose((float(head.alpha), float(head.beta)), USUAL, rtol=1e-6)
    assert words == "alpha 1.17, beta 1, as published, since no class has videos to hold out"


def test_many_clips_are_chosen_on_evenly() -> None:
    many = clips([0, 1, 2] * 1000, 3)
    some = tip_adapter._evenly(many)
    assert len(some) == 2000
    assert (some.units[0], some.units[-1]) == ("0", "2999")
