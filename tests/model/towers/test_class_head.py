"""Heads: logits by hand, and rows in whatever order and choice classes are asked for."""

import math

import pytest
import torch

from vifi_cli.model.towers.class_head import LinearProbe, TipAdapter, head_from_tensors
from vifi_cli.model.towers.vifi_clip import ViFiCLIP

VIDEOS = torch.tensor([[0.6, 0.8], [1.0, 0.0]])
SCALE = torch.tensor(10.0)


def test_a_linear_probe_gives_weights_times_embedding_plus_bias() -> None:
    probe = LinearProbe(torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]]), torch.tensor([0.5, -0.5, 1.0]))
    logits = probe(VIDEOS, probe.rows([0, 1, 2]), SCALE)
    torch.testing.assert_close(logits, torch.tensor([[2.7, 4.5, 0.2], [1.5, 2.5, 1.0]]))
    torch.testing.assert_close(probe(VIDEOS, probe.rows([2, 0]), SCALE), logits[:, [2, 0]])
    with pytest.raises(ValueError, match="has no answer"):
        probe.rows([0, None])


def test_tip_adapter_adds_the_classes_of_near_clips_to_the_texts() -> None:
    keys = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    values = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    head = TipAdapter(keys, values, torch.tensor(2.0), torch.tensor(5.0))
    texts = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.8, 0.6]])
    # classes in another order than in training, with one that has no training clip
    logits = head(VIDEOS, head.rows([1, None, 0], texts), SCALE)
    first, second = math.exp(-5 * (1 - 0.6)), math.exp(-5 * (1 - 0.8))
    by_hand = [10 * 0.8 + 2 * 0.5 * second, 10 * 0.6, 10 * 0.96 + 2 * (first + 0.5 * second)]
    torch.testing.assert_close(logits[0], torch.tensor(by_hand))
    with pytest.raises(ValueError, match="adds to the logits of texts"):
        head.rows([0])


def test_a_network_with_a_head_classifies_by_it_and_keeps_it_in_its_state() -> None:
    network = ViFiCLIP(torch.nn.Identity(), torch.nn.Identity(), torch.tensor(math.log(10)))
    plain = network.class_logits(VIDEOS, torch.eye(2))
    torch.testing.assert_close(plain, 10 * VIDEOS)
    assert list(network.state_dict()) == ["logit_scale"]
    network.head = TipAdapter(torch.eye(2), torch.eye(2), torch.tensor(0.0), torch.tensor(1.0))
    torch.testing.assert_close(network.class_logits(VIDEOS, network.head.rows([0, 1], torch.eye(2))), plain)
    network.head = LinearProbe(torch.eye(2), torch.ones(2))
    torch.testing.assert_close(network.class_logits(VIDEOS, network.head.rows([1, 0])), VIDEOS[:, [1, 0]] + 1)
    assert set(network.state_dict()) == {"logit_scale", "head.weight", "head.bias"}


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({}, "it holds nothing instead of weight, bias"),
        ({"weight": torch.eye(2), "keys": torch.eye(2)}, "it holds keys, weight instead"),
        ({"weight": torch.eye(2), "bias": torch.ones(3)}, "do not fit each other"),
        ({"weight": torch.ones(2), "bias": torch.ones(2)}, "do not fit each other"),
    ],
)
def test_other_tensors_are_not_a_head(tensors: dict[str, torch.Tensor], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        head_from_tensors("linear-probe", tensors)
