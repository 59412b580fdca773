"""The gradients of a step, against the plain way: all texts again for each micro-batch."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.engine import class_tokens
from vifi_cli.training.engine.class_tokens import ClassTokens
from vifi_cli.training.engine.learner import freeze_statistics
from vifi_cli.training.engine.loss_and_gradients import (
    Arithmetic,
    accumulate_gradients,
    cut_into_micro_batches,
    encode_parts,
)
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.engine.tuned_parameters import tuned_parameters

CPU = torch.device("cpu")


def gradients(network: ViFiCLIP) -> dict[str, Tensor]:
    found = {
        name: parameter.grad.clone()
        for name, parameter in network.named_parameters()
        if parameter.grad is not None
    }
    network.zero_grad(set_to_none=True)
    return found


def plain_step(network: ViFiCLIP, tokens: Tensor, clips: Tensor, targets: Tensor, micro: int) -> float:
    """As the published loop has it."""
    total = 0.0
    batches = len(clips) // micro
    for start in range(0, len(clips), micro):
        logits = network(clips[start : start + micro], tokens)
        loss = -(targets[start : start + micro] * logits.log_softmax(-1)).sum(-1).mean() / batches
        loss.backward()
        total += float(loss.detach())
    return total


@pytest.mark.parametrize("fusion", ["embedding", "decision", "image"])
@pytest.mark.parametrize("tune", ["both", "image", "text"])
def test_one_text_pass_a_step_gives_the_same_gradients(tiny_model: Path, fusion: str, tune: str) -> None:
    torch.manual_seed(0)
    model = load_vifi_clip(resolve_model(str(tiny_model)))
    network = model.network.double()
    network.fusion = fusion  # type: ignore[assignment]
    tuned = tuned_parameters(network, tune)  # type: ignore[arg-type]
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in tuned)
    tokens = model.tokenizer([f"a photo of a {name}." for name in ("cat", "guitar player", "dog")])
    clips = torch.randn(8, 2, 3, 32, 32, dtype=torch.float64)
    targets = torch.rand(8, 3, dtype=torch.float64).softmax(-1)
    freeze_statistics(network)

    expected_loss = plain_step(network, tokens, clips, targets, 2)
    expected = gradients(network)
    precision = choose_precision("fp32", CPU)
    loss = accumulate_gradients(
        network,
        ClassTokens(tokens, (1, 1, 1)),
        cut_into_micro_batches([(clips, targets, torch.ones(8))], 3, 8),
        8,
        Arithmetic(Processes(0, 1, CPU), precision, precision.make_scaler()),
    )
    found = gradients(network)

    assert loss == pytest.approx(expected_loss, abs=1e-6)
    assert found.keys() == expected.keys() == tuned.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-7, msg=name)


@pytest.mark.parametrize("tokens_at_once", [10_000, 1])
@pytest.mark.parametrize("tune", ["both", "image"])
def test_several_texts_of_a_class_learn_by_their_mean_in_any_number_of_parts(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tune: str, tokens_at_once: int
) -> None:
    monkeypatch.setattr(class_tokens, "_TOKENS_AT_ONCE", tokens_at_once)
    torch.manual_seed(0)
    model = load_vifi_clip(resolve_model(str(tiny_model)))
    network = model.network.double()
    tuned = tuned_parameters(network, tune)  # type: ignore[arg-type]
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in tuned)
    tokens = model.tokenizer(["a cat.", "it purrs", "a dog.", "it barks", "it runs after a cat"])
    clips = torch.randn(4, 2, 3, 32, 32, dtype=torch.float64)
    targets = torch.rand(4, 2, dtype=torch.float64).softmax(-1)
    freeze_statistics(network)

    # the plain way, in one piece
    texts = F.normalize(network.text(tokens), dim=-1)
    classes = F.normalize(torch.stack([texts[:2].mean(0), texts[2:].mean(0)]), dim=-1)
    videos = F.normalize(network.visual(clips.flatten(0, 1)).view(4, 2, -1).mean(1), dim=-1)
    logits = network.logit_scale.exp() * videos @ classes.T
    F.cross_entropy(logits, targets).backward()
    expected = gradients(network)

    precision = choose_precision("fp32", CPU)
    class_texts = ClassTokens(tokens, (2, 3))
    assert len(class_texts.parts()) == (5 if tokens_at_once == 1 else 1)
    if tune == "image":
        embeddings = encode_parts(network, class_texts.parts(), precision)
        class_texts = replace(class_texts, embeddings=embeddings)
    accumulate_gradients(
        network,
        class_texts,
        cut_into_micro_batches([(clips, targets, torch.ones(4))], 3, 4),
        4,
        Arithmetic(Processes(0, 1, CPU), precision, precision.make_scaler()),
    )
    found = gradients(network)
    assert found.keys() == expected.keys() == tuned.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-7, msg=name)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(1, 9))
def test_micro_batches_hold_all_clips_in_order(sizes: list[int], size: int) -> None:
    total = sum(sizes)
    numbers = torch.arange(total, dtype=torch.float32).split(sizes)
    groups = [(part, part[:, None] * 2, part * 3) for part in numbers]
    cut = list(cut_into_micro_batches(groups, size, total))
    assert torch.equal(torch.cat([micro.clips for micro in cut]), torch.arange(total, dtype=torch.float32))
    assert torch.equal(torch.cat([micro.targets for micro in cut])[:, 0], 2 * torch.arange(total).float())
    assert torch.equal(torch.cat([micro.weights for micro in cut]), 3 * torch.arange(total).float())
    assert [micro.is_last for micro in cut] == [False] * (len(cut) - 1) + [True]
    assert all(len(micro.clips) == size for micro in cut[:-1])
