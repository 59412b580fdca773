"""ViFi-CLIP itself: the published numbers, the three fusions, and a text context cut without any effect."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.model.conftest import GOLDEN, TINY
from vifi_cli.index.windows import window_embeddings
from vifi_cli.model.registry.card import FUSIONS, Fusion
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.tokenizers.short_context import accept_cut_context, context_can_be_cut, cut_context
from vifi_cli.model.towers.vifi_clip import ViFiCLIP, pool_over_time

declare_missing_operators()
TEXTS = ["a dog", "a man rides a bicycle", ""]


class Flat(nn.Module):
    """Pictures (N, 3, 2, 2) to their twelve numbers."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)


def network(fusion: Fusion = "embedding", scale: float = 3.0) -> ViFiCLIP:
    return ViFiCLIP(Flat(), nn.Embedding(4, 12), torch.tensor(scale), fusion)


def clips(seed: int = 0) -> Tensor:
    return torch.randn(5, 4, 3, 2, 2, generator=torch.Generator().manual_seed(seed))


def test_vanilla_clip_gives_the_published_logits() -> None:
    if not GOLDEN.exists():
        pytest.skip("the golden numbers are not here")
    from safetensors.torch import load_file

    expected = load_file(GOLDEN / "expected.safetensors")
    names = json.loads((GOLDEN / "meta.json").read_text())["class_names"]
    loaded = load_vifi_clip(resolve_model(str(GOLDEN / "base_clip.safetensors")))
    with torch.inference_mode():
        tokens = loaded.tokenizer(names)
        torch.testing.assert_close(
            loaded.network(expected["video"], tokens),
            expected["logits_vanilla_bare_names"],
            atol=1e-4,
            rtol=0,
        )
        videos = loaded.network.encode_clips(expected["video"])
        classes = loaded.network.encode_classes(tokens)
    for found, published in (
        (videos, expected["video_embedding_vanilla"]),
        (classes, expected["text_embedding_vanilla"]),
    ):
        unit = published / published.norm(dim=-1, keepdim=True)
        torch.testing.assert_close(found, unit, atol=1e-5, rtol=0)


@settings(max_examples=50)
@given(frames=st.integers(1, 20), dimension=st.integers(1, 40), seed=st.integers(0, 99))
def test_pooling_is_that_of_the_index(frames: int, dimension: int, seed: int) -> None:
    embeddings = np.random.default_rng(seed).normal(size=(frames, dimension)).astype(np.float16)
    by_index = window_embeddings(embeddings, np.array([[0, frames]]))
    by_torch = pool_over_time(torch.from_numpy(embeddings)[None])
    np.testing.assert_allclose(by_torch.numpy(), by_index, atol=1e-6)


def test_embeddings_are_averaged_before_they_are_normalised() -> None:
    long_and_short = torch.tensor([[[10.0, 0.0], [0.0, 1.0]]])
    expected = torch.tensor([[10.0, 1.0]]) / math.sqrt(101)
    torch.testing.assert_close(pool_over_time(long_and_short), expected)
    assert pool_over_time(torch.zeros(1, 2, 3)).tolist() == [[0, 0, 0]]


def test_decision_fusion_averages_probabilities() -> None:
    model, classes = network("decision"), torch.tensor([0, 1, 2])
    model.text.weight.data = torch.randn(4, 12, generator=torch.Generator().manual_seed(1))  # type: ignore[union-attr]
    frame_logits = torch.stack([network_like(model)(clips()[:, [t]], classes) for t in range(4)])
    probabilities = model(clips(), classes).exp()
    torch.testing.assert_close(probabilities, frame_logits.softmax(-1).mean(0))
    torch.testing.assert_close(probabilities.sum(1), torch.ones(5))


def network_like(model: ViFiCLIP) -> ViFiCLIP:
    """The same towers under the paper's fusion."""
    return ViFiCLIP(model.visual, model.text, model.logit_scale)


def test_image_fusion_averages_pictures() -> None:
    model = network("image")
    seen: list[tuple[int, ...]] = []
    model.visual.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape)))
    expected = network_like(model).encode_clips(clips().mean(1, keepdim=True))
    torch.testing.assert_close(model.encode_clips(clips()), expected)
    assert seen[-1] == (5, 3, 2, 2)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_shapes_and_gradients(fusion: Fusion) -> None:
    model = network(fusion)
    videos, classes = model.encode_clips(clips().requires_grad_()), model.encode_classes(torch.arange(4))
    assert videos.shape == ((5, 4, 12) if fusion == "decision" else (5, 12))
    torch.testing.assert_close(videos.norm(dim=-1), torch.ones(videos.shape[:-1]))
    logits = model.class_logits(videos, classes)
    assert logits.shape == (5, 4)
    logits.softmax(-1)[:, 0].sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_temperature_is_never_clamped_and_a_parameter_is_shared() -> None:
    hot = network(scale=math.log(1000))
    classes = torch.nn.functional.normalize(clips().mean(1).flatten(1), dim=-1)
    torch.testing.assert_close(hot.class_logits(classes, classes).diagonal(), torch.full((5,), 1000.0))
    assert network_like(hot).logit_scale is hot.logit_scale


def test_logits_are_exact_under_half_precision() -> None:
    model = network(scale=math.log(100))
    with torch.no_grad():
        videos, classes = model.encode_clips(clips()), model.encode_classes(torch.arange(4))
        exact = model.class_logits(videos, classes)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(model.class_logits(videos, classes), exact)
        half = model.encode_clips(clips().bfloat16())
    assert half.dtype == torch.float32


def text_tower(**options: Any) -> nn.Module:
    from open_clip.transformer import TextTransformer

    torch.manual_seed(0)
    config = {**TINY["text_cfg"], **options}  # type: ignore[dict-item]
    tower: nn.Module = TextTransformer(**config, output_dim=16)
    # open_clip begins with so small weights that every text is alike
    for parameter in tower.parameters():
        parameter.data.normal_(std=0.3)
    return tower.double()


@pytest.mark.parametrize("options", [{}, {"pool_type": "eos", "eos_id": 49407}], ids=["argmax", "eos"])
def test_cut_context_changes_neither_embeddings_nor_gradients(options: dict[str, Any]) -> None:
    full, cut = text_tower(**options), text_tower(**options)
    assert context_can_be_cut(options)
    accept_cut_context(cut)
    import open_clip

    tokens = open_clip.SimpleTokenizer(context_length=16)(TEXTS)
    short = cut_context(tokens, options)
    assert short.shape == (3, 7)
    embeddings = full(tokens), cut(short)
    torch.testing.assert_close(*embeddings, atol=1e-12, rtol=0)
    assert embeddings[0].std(0).mean() > 0.01, "the texts must differ for this to show anything"
    torch.testing.assert_close(cut(tokens), embeddings[0], atol=1e-12, rtol=0)

    for tower, embedding in ((full, embeddings[0]), (cut, embeddings[1])):
        (embedding * torch.arange(48.0).view(3, 16)).sum().backward()
        assert tower.token_embedding.weight.grad is not None  # type: ignore[union-attr]
    for (name, one), (_, other) in zip(full.named_parameters(), cut.named_parameters(), strict=True):
        assert one.grad is not None, name
        torch.testing.assert_close(one.grad, other.grad, atol=1e-9, rtol=1e-9, msg=name)
    assert full.state_dict().keys() == cut.state_dict().keys()


def test_a_text_as_long_as_the_context_stays_whole() -> None:
    import open_clip

    tokens = open_clip.SimpleTokenizer(context_length=16)(["dog " * 100, "cat"])
    assert cut_context(tokens, {}).shape == (2, 16)
    assert cut_context(tokens[:0], {}).shape == (0, 16)


@pytest.mark.parametrize(
    "options",
    [{"no_causal_mask": True}, {"pool_type": "last"}, {"embed_cls": True}, {"hf_model_name": "roberta-base"}],
    ids=str,
)
def test_towers_that_look_ahead_keep_the_whole_context(options: dict[str, Any]) -> None:
    assert not context_can_be_cut(options)


def test_loaded_models_cut_exactly_where_they_may(tmp_path: Path) -> None:
    from tests.model.conftest import make_tiny_clip

    causal = make_tiny_clip(tmp_path / "causal")
    config = causal / "open_clip_config.json"
    loaded = load_vifi_clip(resolve_model(str(causal)))
    assert loaded.tokenizer(TEXTS).shape == (3, 7)
    content = json.loads(config.read_text())
    content["model_cfg"]["text_cfg"]["no_causal_mask"] = True
    config.write_text(json.dumps(content))
    assert load_vifi_clip(resolve_model(str(causal))).tokenizer(TEXTS).shape == (3, 16)


def test_towers_in_training_use_fused_attention(tiny_clip: Path) -> None:
    class Operators(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.names: list[str] = []

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.names.append(str(function))
            return function(*args, **(kwargs or {}))

    loaded = load_vifi_clip(resolve_model(str(tiny_clip)))
    loaded.network.train()
    with Operators() as operators:
        loaded.network(torch.rand(1, 2, 3, 32, 32), loaded.tokenizer(TEXTS))
    fused = [name for name in operators.names if "scaled_dot_product" in name]
    assert len(fused) == 4, "two layers in each of two towers"
    assert not any("softmax" in name for name in operators.names)
