"""Mixing clips and targets: shares that agree, groups that stand alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.training.batches.loading import padded_labels
from vifi_cli.training.batches.mixup import mix_clips, soft_targets
from vifi_cli.training.recipe.recipe import Mixing

PUBLISHED = Mixing(mixup=0.8, cutmix=1.0, switch_probability=0.5, label_smoothing=0.1)
ONLY_MIXUP, ONLY_CUTMIX = Mixing(0.8, 0.0, 0.5, 0.1), Mixing(0.0, 1.0, 0.5, 0.1)
SEEDS = st.integers(0, 2**32)


def numbered_clips(count: int, size: int = 12) -> torch.Tensor:
    """Clips of two frames; each pixel holds the clip's number, or 0.25 more in the second frame."""
    numbers = torch.arange(count, dtype=torch.float32).view(-1, 1, 1, 1, 1)
    clips = numbers.expand(count, 2, 3, size, size).clone()
    clips[:, 1] += 0.25
    return clips


def own_shares(mixed: torch.Tensor) -> torch.Tensor:
    """How much of each clip each mixed clip shows, (B, B), for one-hot pixels as `one_hot_clips` makes them."""
    return mixed.mean(dim=(1, 3, 4))


def one_hot_clips(count: int, size: int = 12) -> torch.Tensor:
    """As many channels as clips, each clip bright in its own."""
    return torch.eye(count).view(count, 1, count, 1, 1).expand(count, 2, count, size, size).clone()


@given(st.integers(1, 50), st.floats(0, 1))
def test_targets_are_probabilities(classes: int, smoothing: float) -> None:
    labels = torch.arange(classes)
    targets = soft_targets(labels, classes, smoothing)
    torch.testing.assert_close(targets.sum(1), torch.ones(classes))
    torch.testing.assert_close(
        targets.diagonal(), torch.full((classes,), 1 - smoothing + smoothing / classes)
    )
    off = targets[~torch.eye(classes, dtype=torch.bool)]
    torch.testing.assert_close(off, torch.full_like(off, smoothing / classes))


def test_classes_of_one_clip_share_its_target() -> None:
    videos = [LabeledVideo(Path("a"), 2), LabeledVideo(Path("b"), 0, more_labels=(3, 1))]
    labels = padded_labels(videos)
    assert labels.tolist() == [[2, 2, 2], [0, 3, 1]]
    third = 1 / 3
    torch.testing.assert_close(
        soft_targets(labels, 4, 0.0), torch.tensor([[0.0, 0, 1, 0], [third, third, 0, third]])
    )
    smooth = soft_targets(labels, 4, 0.2)
    torch.testing.assert_close(
        smooth[1], torch.tensor([0.8 / 3 + 0.05, 0.8 / 3 + 0.05, 0.05, 0.8 / 3 + 0.05])
    )
    torch.testing.assert_close(smooth.sum(1), torch.ones(2))
    assert torch.equal(
        soft_targets(padded_labels(videos[:1]), 4, 0.1), soft_targets(torch.tensor([2]), 4, 0.1)
    )


@given(SEEDS)
def test_targets_of_several_classes_are_mixed_as_the_pixels_are(seed: int) -> None:
    targets = soft_targets(torch.tensor([[0, 1], [2, 2], [1, 3], [3, 0]]), 4, 0.0)
    clips, mixed = mix_clips(one_hot_clips(4), targets, PUBLISHED, np.random.default_rng(seed))
    torch.testing.assert_close(mixed, own_shares(clips) @ targets)


@given(st.sampled_from([PUBLISHED, ONLY_MIXUP, ONLY_CUTMIX]), SEEDS)
def test_targets_are_mixed_as_the_pixels_are(mixing: Mixing, seed: int) -> None:
    clips, targets = mix_clips(one_hot_clips(4), torch.eye(4), mixing, np.random.default_rng(seed))
    torch.testing.assert_close(own_shares(clips), targets)
    torch.testing.assert_close(targets.sum(1), torch.ones(4))


@given(SEEDS)
def test_one_share_and_one_permutation_serve_a_group(seed: int) -> None:
    _, targets = mix_clips(numbered_clips(4), torch.eye(4), PUBLISHED, np.random.default_rng(seed))
    own = targets.diagonal()
    alone = own > 1 - 1e-6  # paired with themselves
    others = own[~alone]
    torch.testing.assert_close(others, others[:1].expand(len(others)))
    torch.testing.assert_close(targets.sum(0), torch.ones(4))  # each clip is partner once


@given(st.integers(1, 5), st.integers(1, 5), SEEDS)
def test_groups_stand_alone_whatever_is_mixed_at_once(groups: int, at_once: int, seed: int) -> None:
    clips, targets = numbered_clips(4 * groups, 6), torch.eye(4 * groups)
    together = mix_clips(clips, targets, PUBLISHED, np.random.default_rng(seed))
    generator, step = np.random.default_rng(seed), 4 * at_once
    parts = [
        mix_clips(clips[start : start + step], targets[start : start + step], PUBLISHED, generator)
        for start in range(0, len(clips), step)
    ]
    torch.testing.assert_close(together[0], torch.cat([part for part, _ in parts]), rtol=0, atol=0)
    torch.testing.assert_close(together[1], torch.cat([part for _, part in parts]), rtol=0, atol=0)
    blocks = together[1].view(groups, 4, groups, 4).sum((1, 3))
    torch.testing.assert_close(blocks, 4 * torch.eye(groups))


@given(SEEDS)
def test_cutmix_pastes_one_box_into_all_frames(seed: int) -> None:
    clips, targets = mix_clips(numbered_clips(4), torch.eye(4), ONLY_CUTMIX, np.random.default_rng(seed))
    numbers = torch.arange(4.0).view(4, 1, 1, 1)
    pasted = clips[:, 0] != numbers
    torch.testing.assert_close(clips[:, 1], clips[:, 0] + 0.25)
    for clip, own_target in zip(pasted, targets.diagonal(), strict=True):
        rows, columns = clip[0].any(1).nonzero().flatten(), clip[0].any(0).nonzero().flatten()
        assert int(clip[0].sum()) == len(rows) * len(columns)  # a full rectangle
        if len(rows):
            assert int(rows[-1] - rows[0]) + 1 == len(rows)
            assert float(own_target) == pytest.approx(1 - float(clip[0].float().mean()), abs=1e-6)


def test_mixup_blends_every_pixel_alike() -> None:
    given_clips = numbered_clips(4)
    clips, targets = mix_clips(given_clips, torch.eye(4), ONLY_MIXUP, np.random.default_rng(3))
    expected = targets @ torch.arange(4.0)
    torch.testing.assert_close(clips[:, 0], expected.view(4, 1, 1, 1).expand(4, 3, 12, 12))
    assert (given_clips == numbered_clips(4)).all()


def test_shares_follow_the_published_distributions() -> None:
    """The mean distance of a share from one half tells a beta distribution's parameter."""
    generator = np.random.default_rng(0)
    for mixing, alpha in ((ONLY_MIXUP, 0.8), (Mixing(4.0, 0.0, 0.5, 0.1), 4.0)):
        shares = []
        for _ in range(1500):
            _, targets = mix_clips(torch.zeros(2, 1, 3, 1, 1), torch.eye(2), mixing, generator)
            if targets[0, 0] < 1:
                shares.append(float(targets[0, 0]))
        drawn = np.random.default_rng(1).beta(alpha, alpha, 20_000)
        assert np.abs(np.array(shares) - 0.5).mean() == pytest.approx(np.abs(drawn - 0.5).mean(), abs=0.015)


def test_half_of_all_groups_are_cut() -> None:
    generator, cut = np.random.default_rng(0), 0
    for _ in range(400):
        clips, _ = mix_clips(numbered_clips(4, 8), torch.eye(4), PUBLISHED, generator)
        cut += bool((clips[:, 0] == clips[:, 0].round()).all())
    assert cut / 400 == pytest.approx(0.5, abs=0.08)


def test_nothing_is_mixed_where_all_is_off() -> None:
    clips, targets = numbered_clips(4), torch.eye(4)
    result = mix_clips(clips, targets, Mixing(0.0, 0.0, 0.5, 0.1), np.random.default_rng(0))
    assert result[0] is clips
    assert result[1] is targets


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((-1.0, 1.0, 0.5, 0.1), "mixing.mixup must be 0 or more"),
        ((0.8, float("nan"), 0.5, 0.1), "mixing.cutmix must be 0 or more"),
        ((0.8, 1.0, 1.5, 0.1), "mixing.switch_probability must be from 0 to 1"),
        ((0.8, 1.0, 0.5, 2.0), "mixing.label_smoothing must be from 0 to 1"),
        ((0.8, 1.0, 0.5, 0.1, 0), "mixing.group must be 1 or more"),
    ],
)
def test_settings_without_sense_are_refused(values: tuple[float, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Mixing(*values)  # type: ignore[arg-type]
