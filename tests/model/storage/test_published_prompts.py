"""Published checkpoints with learned prompts: the published numbers, whichever towers and layers have them."""

import copy
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.model.conftest import GOLDEN
from tests.model.published import NAMES, openai_clip, published_weights, save_published
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import PromptShape
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_encoder
from vifi_cli.model.storage.checkpoint_import import import_checkpoint, write_imported
from vifi_cli.model.storage.loading import load_vifi_clip

LAYERS, WIDTH = 2, 64


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return openai_clip(tmp_path_factory.mktemp("base") / "base.safetensors")


def prompted_weights(
    base: Path, shape: PromptShape, *, with_names: bool = True, words: str = ""
) -> "OrderedDict[str, Tensor]":
    """What the published code saves after learning prompts for a tuned CLIP; up to four take the place of `words`."""
    import open_clip
    from safetensors.torch import load_file

    weights = published_weights(base)
    del weights["prompt_learner.complete_text_embeddings"]
    torch.manual_seed(11)
    for tower, first, count, depth in (
        ("text", "prompt_learner.ctx", shape.text_context, shape.text_depth),
        ("image", "image_encoder.VPT", shape.image_context, shape.image_depth),
    ):
        for layer in range(depth):
            deeper = f"{tower}_encoder.transformer.resblocks.{layer}.VPT_shallow"
            weights[deeper if layer else first] = torch.randn(count, WIDTH) / 3
    if shape.text_context and with_names:
        places = words or " ".join(["X"] * shape.text_context)
        texts = open_clip.SimpleTokenizer()([f"{places} {name.replace('_', ' ')}." for name in NAMES])
        embedded = load_file(base)["token_embedding.weight"].float()[texts].half().float()
        weights["prompt_learner.token_prefix"] = embedded[:, :1]
        weights["prompt_learner.token_suffix"] = embedded[:, 1 + shape.text_context :]
    return weights


def published_logits(
    base: Path, weights: "OrderedDict[str, Tensor]", video: Tensor, names: Any, words: str = ""
) -> Tensor:
    """The published model written down step by step, on open_clip's blocks, with prompts in half precision."""
    import open_clip

    network: Any = load_vifi_clip(resolve_model(str(base))).network
    own = {
        name.replace("image_encoder.", "visual.").replace("text_encoder.", "text."): tensor
        for name, tensor in weights.items()
        if "VPT" not in name and not name.startswith("prompt_learner.")
    }
    network.load_state_dict(own, strict=False)
    visual, text = network.visual, network.text

    def prompts(tower: str, layer: int) -> Tensor | None:
        first = {"text": "prompt_learner.ctx", "image": "image_encoder.VPT"}[tower]
        deeper = f"{tower}_encoder.transformer.resblocks.{layer}.VPT_shallow"
        found = weights.get(deeper if layer else first)
        return None if found is None else found.half().float().expand(1, -1, -1)

    images = video.flatten(0, 1)
    patches = visual.conv1(images).flatten(2).transpose(1, 2)
    x = (
        torch.cat([visual.class_embedding.expand(len(patches), 1, -1), patches], 1)
        + visual.positional_embedding
    )
    tokens = x.shape[1]
    for layer, block in enumerate(visual.transformer.resblocks):
        if (own_prompts := prompts("image", layer)) is not None:
            x = torch.cat([x[:, :tokens], own_prompts.expand(len(x), -1, -1)], 1)
        x = block(visual.ln_pre(x) if layer == 0 else x)
    frames = visual.ln_post(x[:, 0]) @ visual.proj
    videos = torch.nn.functional.normalize(frames.view(*video.shape[:2], -1).mean(1), dim=-1)

    count = len(weights.get("prompt_learner.ctx", ()))
    texts = [
        (words or " ".join(["X"] * count)) + f" {name.replace('_', ' ')}."
        if count
        else f"a photo of a {name}."
        for name in names
    ]
    ids = open_clip.SimpleTokenizer()(texts)
    x = text.token_embedding.weight.half().float()[ids]
    if (own_prompts := prompts("text", 0)) is not None:
        x = torch.cat([x[:, :1], own_prompts.expand(len(x), -1, -1), x[:, 1 + count :]], 1)
    x = x + text.positional_embedding
    for layer, block in enumerate(text.transformer.resblocks):
        if layer and (own_prompts := prompts("text", layer)) is not None:
            x = torch.cat([x[:, :1], own_prompts.expand(len(x), -1, -1), x[:, 1 + count :]], 1)
        x = block(x, attn_mask=text.attn_mask)
    ends = text.ln_final(x)[torch.arange(len(ids)), ids.argmax(1)] @ text.text_projection
    classes = torch.nn.functional.normalize(ends, dim=-1)
    logits: Tensor = network.logit_scale.exp() * videos @ classes.T
    return logits


@pytest.mark.parametrize("with_names", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_text_keeps_the_words_behind_few_prompts(
    base: Path, tmp_path: Path, count: int, *, with_names: bool
) -> None:
    """trainers/vificlip.py: up to four prompts take the place of the first words of CTX_INIT, `a photo of a`."""
    words = "a photo of a"
    weights = prompted_weights(base, PromptShape(count, 2, 2, 1), with_names=with_names, words=words)
    file = save_published(tmp_path / "ckpt.pth", weights)
    imported = import_checkpoint(file, resolve_model(str(base)))
    card, video = imported.model.card, torch.randn(2, 3, 3, 32, 32)
    assert card.template == " ".join([*words.split()[count:], "{}."])
    assert bool(card.class_names) == with_names
    tokens = imported.model.tokenizer([card.class_text(name) for name in NAMES])
    with torch.no_grad():
        expected = published_logits(base, weights, video, NAMES, words)
        torch.testing.assert_close(imported.model.network(video, tokens), expected, atol=2e-5, rtol=0)


SHAPES = [
    PromptShape(4, 1, 4, 1),
    PromptShape(2, 2, 16, 2),
    PromptShape(16, 2, 2, 1),
    PromptShape(16, 1, 0, 0),
    PromptShape(8, 2, 0, 0),
    PromptShape(0, 0, 4, 2),
    PromptShape(60, 2, 1, 2),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_count_and_depth_gives_the_published_logits(
    base: Path, tmp_path: Path, shape: PromptShape
) -> None:
    weights = prompted_weights(base, shape)
    file = save_published(tmp_path / "ckpt.pth", weights)
    imported = import_checkpoint(file, resolve_model(str(base)))
    card, video = imported.model.card, torch.randn(2, 3, 3, 32, 32)
    assert card.prompts == shape
    assert card.tuned == ()
    assert imported.base is not None
    assert imported.base.card.tuned == ("image", "text")
    assert imported.remarks == ()
    if shape.text_context:
        assert card.template == "{}."
        assert card.class_names == tuple(name.lower().replace("_", " ") for name in NAMES)
    write_imported(tmp_path / "model", imported)
    folder = load_vifi_clip(resolve_model(str(tmp_path / "model")))
    with torch.no_grad():
        expected = published_logits(base, weights, video, NAMES)
        texts = [card.class_text(name) for name in NAMES]
        for model in (imported.model, folder):
            torch.testing.assert_close(
                model.network(video, model.tokenizer(texts)), expected, atol=1e-4, rtol=0
            )
    assert folder.card == card


def test_golden_checkpoint_gives_the_published_logits(tmp_path: Path) -> None:
    if not GOLDEN.exists():
        pytest.skip("the golden numbers are not here")
    from safetensors.torch import load_file

    expected = load_file(GOLDEN / "expected.safetensors")
    names = json.loads((GOLDEN / "meta.json").read_text())["class_names"]
    imported = import_checkpoint(
        GOLDEN / "vifi_prompted.pth", resolve_model(str(GOLDEN / "base_clip.safetensors"))
    )
    assert imported.model.card.prompts == PromptShape(4, 3, 4, 2)
    assert imported.model.card.class_text("pull_ups") == "pull ups."
    assert imported.model.card.class_names == (
        "applyeyemakeup",
        "playing guitar",
        "pull ups",
        "brush hair",
        "skijet",
    )
    write_imported(tmp_path / "model", imported)
    for model in (imported.model, load_vifi_clip(resolve_model(str(tmp_path / "model")))):
        texts = [model.card.class_text(name) for name in names]
        with torch.inference_mode():
            logits = model.network(expected["video"], model.tokenizer(texts))
            own = model.network(
                expected["video"], model.tokenizer([*map(model.card.class_text, model.card.class_names)])
            )
        torch.testing.assert_close(logits, expected["logits_prompted"], atol=1e-4, rtol=0)
        torch.testing.assert_close(own, logits)


def test_the_base_inside_is_a_model_of_its_own(base: Path, tmp_path: Path) -> None:
    weights = prompted_weights(base, SHAPES[0])
    imported = import_checkpoint(save_published(tmp_path / "ckpt.pth", weights), resolve_model(str(base)))
    write_imported(tmp_path / "model", imported)
    inside = sorted(str(path.relative_to(tmp_path / "model")) for path in (tmp_path / "model").rglob("*.*"))
    assert inside == ["base/config.json", "base/weights.safetensors", "config.json", "prompts.safetensors"]
    plain = OrderedDict(
        (name, t) for name, t in weights.items() if "VPT" not in name and "prompt" not in name
    )
    expected = import_checkpoint(
        save_published(tmp_path / "plain.pth", plain), resolve_model(str(base))
    ).model
    found = load_vifi_clip(resolve_model(str(tmp_path / "model" / "base")))
    for name, tensor in expected.network.state_dict().items():
        assert torch.equal(found.network.state_dict()[name], tensor), name
    assert found.card.template == "a photo of a {}."
    assert found.card.class_names == ()
    (tmp_path / "model").rename(tmp_path / "moved")
    moved, alone = (
        load_encoder(resolve_model(str(tmp_path / "moved")), "cpu"),
        load_encoder(resolve_model(str(tmp_path / "moved" / "base")), "cpu"),
    )
    assert moved.vision_fingerprint != alone.vision_fingerprint


def test_names_are_not_needed(base: Path, tmp_path: Path) -> None:
    weights = prompted_weights(base, SHAPES[0], with_names=False)
    weights["prompt_learner.token_prefix"] = torch.zeros(4, WIDTH)
    weights["prompt_learner.token_suffix"] = torch.zeros(5, 3, WIDTH)
    imported = import_checkpoint(save_published(tmp_path / "ckpt.pth", weights), resolve_model(str(base)))
    assert imported.model.card.class_names == ()


CTX, VPT = "prompt_learner.ctx", "image_encoder.VPT"
DEEP_TEXT = "text_encoder.transformer.resblocks.1.VPT_shallow"
DEEP_IMAGE = "image_encoder.transformer.resblocks.1.VPT_shallow"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({CTX: None}, "prompts in layer 1 of the text tower and none in layer 0"),
        ({VPT: None}, "prompts in layer 1 of the image tower and none in layer 0"),
        ({DEEP_IMAGE.replace(".1.", ".3."): (4, 64)}, "layer 3 of the image tower and none in layer 2"),
        ({DEEP_IMAGE.replace(".1.", ".2."): (4, 64)}, "does not fit its backbone: .* 2 layers"),
        ({DEEP_TEXT: (3, 64)}, r"shape \(3, 64\) in layer 1 of the text tower and \(4, 64\) in layer 0"),
        ({DEEP_IMAGE: (4, 32)}, r"shape \(4, 32\) in layer 1 of the image tower"),
        ({CTX: (4,)}, r"shape \(4,\) in layer 0 of the text tower"),
        ({CTX: (0, 64), DEEP_TEXT: (0, 64)}, r"shape \(0, 64\) in layer 0"),
        ({VPT: (4, 32), DEEP_IMAGE: (4, 32)}, "does not fit its backbone: .* 32 long, .* 64 wide"),
        ({CTX: (75, 64), DEEP_TEXT: (75, 64)}, "does not fit its backbone: 75 text prompts leave no room"),
    ],
)
def test_inconsistent_prompts_are_one_clear_line(
    base: Path, tmp_path: Path, changes: dict[str, tuple[int, ...] | None], reason: str
) -> None:
    weights = copy.copy(prompted_weights(base, PromptShape(4, 2, 4, 2)))
    for name, shape in changes.items():
        if shape is None:
            del weights[name]
        else:
            weights[name] = torch.zeros(shape)
    file = save_published(tmp_path / "ckpt.pth", weights)
    with pytest.raises(InvalidInput, match=reason) as caught:
        import_checkpoint(file, resolve_model(str(base)))
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
