"""How deep parameters are, in towers of every kind."""

from pathlib import Path

import pytest
import torch
from torch import nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.depth import layers_above
from vifi_cli.model.towers.minilm import SentenceTransformer
from vifi_cli.model.towers.starter import untrained_image_tower

declare_missing_operators()
import timm  # noqa: E402
from open_clip.modified_resnet import ModifiedResNet  # noqa: E402


def at(tower: nn.Module, depth: int) -> set[str]:
    """The parts of a tower at a depth, by the beginnings of their names."""
    names = [name for name, above in layers_above(tower).items() if above == depth]
    return {".".join(name.split(".")[:3]) if "blocks" in name else name.split(".")[0] for name in names}


def test_a_clip(tiny_clip: Path) -> None:
    network = load_vifi_clip(resolve_model(str(tiny_clip))).network
    image, text = network.visual, network.text
    assert at(image, 0) == {"ln_post", "proj"}
    assert at(image, 1) == {"transformer.resblocks.1"}
    assert at(image, 2) == {"transformer.resblocks.0"}
    assert at(image, 3) == {"class_embedding", "positional_embedding", "conv1", "ln_pre"}
    assert at(text, 0) == {"ln_final", "text_projection"}
    assert at(text, 1) == {"transformer.resblocks.1"}
    assert at(text, 3) == {"positional_embedding", "token_embedding"}


def test_the_starter() -> None:
    image, text = untrained_image_tower(), SentenceTransformer()
    depths = layers_above(image)
    assert depths["head.concept_texts.weight"] == depths["head.classifier.bias"] == 0
    assert depths["trunk.conv_head.weight"] == depths["trunk.bn2.weight"] == 0
    assert [depths[f"trunk.blocks.{stage}.0.conv_dw.weight"] for stage in range(7)] == [7, 6, 5, 4, 3, 2, 1]
    assert depths["trunk.conv_stem.weight"] == depths["trunk.bn1.weight"] == 8
    assert at(text, 0) == set()
    assert layers_above(text)["blocks.0.query.weight"] == 6
    assert layers_above(text)["ln_embedding.weight"] == 7


def test_other_towers() -> None:
    with torch.device("meta"):
        resnet = ModifiedResNet([1, 1, 1, 1], 8, 2, 32, 8)
        eva = timm.create_model("eva02_tiny_patch14_224", num_classes=0)
        convnext = timm.create_model("convnext_atto", num_classes=0)
    assert at(resnet, 0) == {"attnpool"}
    assert [at(resnet, depth) for depth in (1, 4)] == [{"layer4"}, {"layer1"}]
    assert at(resnet, 5) == {"conv1", "bn1", "conv2", "bn2", "conv3", "bn3"}
    assert layers_above(eva)["blocks.11.mlp.fc2.weight"] == 1
    assert layers_above(eva)["patch_embed.proj.weight"] == layers_above(eva)["cls_token"] == 13
    assert layers_above(convnext)["stages.0.blocks.0.conv_dw.weight"] == 4
    assert layers_above(convnext)["stem.0.weight"] == 5
    assert at(convnext, 0) == {"head"}


def test_bert_of_transformers_and_a_tower_without_blocks() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, vocab_size=30
    )
    tower = nn.Module()
    tower.transformer = transformers.BertModel(config)
    tower.proj = nn.Linear(8, 4)
    depths = layers_above(tower)
    assert depths["transformer.encoder.layer.1.output.dense.weight"] == 1
    assert depths["transformer.embeddings.word_embeddings.weight"] == 3
    assert depths["transformer.pooler.dense.weight"] == depths["proj.weight"] == 0
    with pytest.raises(InvalidInput, match="finds no blocks in Linear: omit tune_layers and layer_decay"):
        layers_above(nn.Linear(2, 2))
