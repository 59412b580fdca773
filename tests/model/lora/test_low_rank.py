"""LoRA in the weights of real towers: which weights, what they compute, and that the start changes nothing."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.model.conftest import TINY
from vifi_cli.errors import InvalidInput
from vifi_cli.model.lora.low_rank import (
    add_low_rank,
    fix_low_rank,
    lora_parameters,
    lora_tensors,
    merge_low_rank,
)
from vifi_cli.model.lora.places import adapted_weights
from vifi_cli.model.registry.card import LoraPlace, LoraShape
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.minilm import SentenceBlock
from vifi_cli.model.towers.vifi_clip import ViFiCLIP

EVERYWHERE: tuple[LoraPlace, ...] = ("q", "k", "v", "o", "mlp", "conv")


class Attention(nn.Module):
    """timm's names."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.Module()
        self.attn.qkv, self.attn.proj = nn.Linear(4, 12), nn.Linear(4, 4)
        self.mlp = nn.Module()
        self.mlp.fc1, self.mlp.norm, self.mlp.fc2 = nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 4)


def names(tower: nn.Module, *places: LoraPlace) -> list[str]:
    return [weight.name for weight in adapted_weights(tower, places)]


def network(tiny_clip: Path) -> ViFiCLIP:
    return load_vifi_clip(resolve_model(str(tiny_clip))).network


def outputs(model: ViFiCLIP) -> tuple[Tensor, Tensor]:
    """With gradients, as in training: without, torch computes attention in another order if it can."""
    torch.manual_seed(3)
    return model.visual(torch.rand(2, 3, 32, 32)), model.text(torch.randint(1, 1000, (3, 9)))


def learn(model: ViFiCLIP) -> None:
    """Gives the matrices other values, as training does."""
    torch.manual_seed(1)
    for parameter in lora_parameters(model).values():
        parameter.data += 0.1 * torch.randn_like(parameter)


def test_places_are_found_by_the_names_of_each_library() -> None:
    block = "transformer.resblocks.0."
    declare_missing_operators()
    import open_clip

    clip = open_clip.CLIP(**json.loads(json.dumps(TINY))).visual
    assert names(clip, "v")[0] == block + "attn.in_proj_weight"
    assert names(clip, "o")[0] == block + "attn.out_proj.weight"
    assert names(clip, "mlp")[:2] == [block + "mlp.c_fc.weight", block + "mlp.c_proj.weight"]
    assert (
        len(names(clip, *EVERYWHERE)) == 2 * 4
    )  # blocks x weights: neither norms, patches nor the projection
    timm = Attention()
    assert names(timm, "q", "o") == ["attn.qkv.weight", "attn.proj.weight"]
    assert names(timm, "mlp") == ["mlp.fc1.weight", "mlp.fc2.weight"]
    sentences = SentenceBlock()
    assert names(sentences, "q", "v") == ["query.weight", "value.weight"]
    assert names(sentences, "o", "mlp") == ["attention_output.weight", "expand.weight", "contract.weight"]


def test_bert_of_transformers_has_its_own_names() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=30
    )
    tower = transformers.BertModel(config, add_pooling_layer=False)
    layer = "encoder.layer.0."
    assert names(tower, "q", "k", "v") == [
        f"{layer}attention.self.{p}.weight" for p in ("query", "key", "value")
    ]
    assert names(tower, "o") == [layer + "attention.output.dense.weight"]
    assert names(tower, "mlp") == [layer + "intermediate.dense.weight", layer + "output.dense.weight"]


def test_parts_of_a_fused_weight_are_its_thirds() -> None:
    (weight,) = adapted_weights(nn.MultiheadAttention(4, 2), ("q", "v"))
    assert weight.parts == (("q", slice(0, 4)), ("v", slice(8, 12)))


def test_only_convolutions_of_one_pixel_and_one_group_count() -> None:
    tower = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 1, groups=8), nn.Conv2d(8, 4, 1), nn.Linear(4, 4)
    )
    assert names(tower, *EVERYWHERE) == ["2.weight"]


@pytest.mark.parametrize("places", [("q", "v"), ("q", "k", "v", "o", "mlp")])
def test_nothing_changes_before_the_first_step(tiny_clip: Path, places: tuple[LoraPlace, ...]) -> None:
    model = network(tiny_clip)
    before = outputs(model)
    add_low_rank(model, LoraShape(2, 4, ("image", "text"), places), seed=0)
    assert all(torch.equal(one, other) for one, other in zip(before, outputs(model), strict=True))


def test_the_sum_is_the_published_one(tiny_clip: Path) -> None:
    """W + alpha / r x B A, in the rows of each projection; equal to torch's own product, part by part."""
    model = network(tiny_clip)
    plain = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    add_low_rank(model, LoraShape(2, 6, ("image", "text"), ("q", "v", "mlp")), seed=0)
    learn(model)
    learned = lora_tensors(model)
    fix_low_rank(model)
    after = model.state_dict()
    assert after.keys() == plain.keys()
    assert not lora_parameters(model)

    name = "visual.transformer.resblocks.1.attn.in_proj_weight"
    change = (after[name] - plain[name]).chunk(3)
    for part, found in zip(("q", "v"), (change[0], change[2]), strict=True):
        expected = 3 * learned[f"{name}.{part}.lora_B"] @ learned[f"{name}.{part}.lora_A"]
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert not change[1].any()
    name = "text.transformer.resblocks.0.mlp.c_fc.weight"
    expected = 3 * learned[f"{name}.lora_B"] @ learned[f"{name}.lora_A"]
    torch.testing.assert_close(after[name] - plain[name], expected, atol=1e-6, rtol=1e-5)
    untouched = plain.keys() - {
        key.partition(".lora")[0].removesuffix(".q").removesuffix(".v") for key in learned
    }
    assert all(torch.equal(plain[key], after[key]) for key in untouched)
    assert len(untouched) == len(plain) - 2 * 2 * 3  # towers x blocks x weights


def test_merging_a_file_gives_what_was_learned_to_the_bit(tiny_clip: Path) -> None:
    model, shape = network(tiny_clip), LoraShape(2, 6, ("image", "text"), ("q", "k", "o", "mlp"))
    add_low_rank(model, shape, seed=0)
    learn(model)
    learned, expected = lora_tensors(model), outputs(model)
    again = network(tiny_clip)
    for prefix, tower in (("visual.", again.visual), ("text.", again.text)):
        own = {key.removeprefix(prefix): value for key, value in learned.items() if key.startswith(prefix)}
        merge_low_rank(tower, shape, own)
    assert all(torch.equal(one, other) for one, other in zip(expected, outputs(again), strict=True))
    fix_low_rank(model)
    assert all(torch.equal(again.state_dict()[name], tensor) for name, tensor in model.state_dict().items())


def test_matrices_begin_as_in_peft_and_differ_by_tower_and_seed(tiny_clip: Path) -> None:
    drawn = []
    for seed in (0, 0, 5):
        model = network(tiny_clip)
        add_low_rank(model, LoraShape(4, 4, ("image", "text"), ("q",)), seed)
        drawn.append(lora_tensors(model))
    first, same, other = drawn
    name = "{}.transformer.resblocks.0.attn.in_proj_weight.q.lora_A"
    image, text = first[name.format("visual")], first[name.format("text")]
    assert image.shape == (4, 32)
    assert 0.9 / 32**0.5 < image.abs().max() <= 1 / 32**0.5
    assert not torch.equal(image, text)
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(image, other[name.format("visual")])
    assert all(not tensor.any() for key, tensor in first.items() if key.endswith("lora_B"))
    alone = network(tiny_clip)
    add_low_rank(alone, LoraShape(4, 4, ("text",), ("q",)), 0)
    assert torch.equal(lora_tensors(alone)[name.format("text")], text)
    assert not any(key.startswith("visual") for key in lora_tensors(alone))


def test_a_tower_without_such_weights_is_named(tiny_clip: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"lora.places = conv names no weight of the image tower.*--tune text"
    ):
        add_low_rank(network(tiny_clip), LoraShape(2, 2, ("image",), ("conv",)), 0)
