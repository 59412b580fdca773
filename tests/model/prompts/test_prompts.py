"""Prompts in towers of every kind: against a slow reference, out of the way of pooling, and told from the towers."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn

from tests.model.conftest import TINY
from vifi_cli.errors import InvalidInput
from vifi_cli.model.prompts.image import PromptedImageTower
from vifi_cli.model.prompts.initialization import add_prompts, prompt_parameters
from vifi_cli.model.prompts.text import PromptedTextTower
from vifi_cli.model.registry.card import PromptShape
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.minilm import SentenceTransformer
from vifi_cli.model.towers.tokenizers.short_context import accept_cut_context, cut_context
from vifi_cli.model.towers.vifi_clip import ViFiCLIP

declare_missing_operators()
LAYERS, COUNT, SIDE = 3, 4, 16
TEXTS = ["a dog", "a man rides a bicycle", ""]


def open_clip_tower(**options: Any) -> nn.Module:
    from open_clip.transformer import VisionTransformer

    tower: nn.Module = VisionTransformer(SIDE, 8, 32, LAYERS, 2, 2.0, output_dim=16, **options)
    return tower


def timm_tower(kind: str, **options: Any) -> nn.Module:
    from timm.models.eva import Eva
    from timm.models.vision_transformer import VisionTransformer

    build = {"vit": VisionTransformer, "eva": partial(Eva, init_values=None)}[kind]
    tower: nn.Module = build(
        img_size=SIDE, patch_size=4, embed_dim=32, depth=LAYERS, num_heads=2, num_classes=16, **options
    )
    return tower


IMAGE_TOWERS: dict[str, Callable[[], nn.Module]] = {
    "clip": open_clip_tower,
    "average": partial(open_clip_tower, pool_type="avg"),
    "clipa": partial(open_clip_tower, pool_type="avg", no_ln_pre=True, final_ln_after_pool=True),
    "coca": partial(open_clip_tower, attentional_pool=True, attn_pooler_heads=2, attn_pooler_queries=3),
    "siglip": partial(timm_tower, "vit", class_token=False, global_pool="map"),
    "registers": partial(timm_tower, "vit", reg_tokens=2, no_embed_class=True, pre_norm=True),
    "gap": partial(timm_tower, "vit", class_token=False, global_pool="avg", fc_norm=True),
    "pe-core": partial(
        timm_tower,
        "eva",
        attn_type="rope",
        use_pre_transformer_norm=True,
        use_rot_pos_emb=True,
        ref_feat_shape=(4, 4),
        rope_grid_offset=1.0,
        rope_grid_indexing="xy",
        global_pool="map",
    ),
    "eva02": partial(
        timm_tower, "eva", swiglu_mlp=True, scale_mlp=True, use_rot_pos_emb=True, global_pool="token"
    ),
    "eva giant": partial(timm_tower, "eva", global_pool="avg"),
    "mixed rope": partial(timm_tower, "eva", attn_type="rope", use_rot_pos_emb=True, rope_type="mixed"),
    "dinov3": partial(
        timm_tower,
        "eva",
        attn_type="rope",
        use_rot_pos_emb=True,
        use_abs_pos_emb=False,
        rope_type="dinov3",
        rope_rotate_half=True,
        num_reg_tokens=2,
        global_pool="avg",
    ),
}


def lively(tower: nn.Module) -> nn.Module:
    """Weights large enough that tokens attend to each other to different degrees."""
    torch.manual_seed(0)
    for parameter in tower.parameters():
        parameter.data.normal_(std=0.2)
    return tower.double().eval()


def drawn_prompts(depth: int, count: int = COUNT, width: int = 32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(count, width, generator=generator, dtype=torch.float64) for _ in range(depth)]


def images() -> Tensor:
    return torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def behind(tokens: Tensor, prompts: Tensor, place: int) -> Tensor:
    return torch.cat([tokens[:, :place], prompts.expand(len(tokens), -1, -1), tokens[:, place:]], 1)


def slow_open_clip(tower: Any, prompts: list[Tensor], pixels: Tensor) -> Tensor:
    patches = tower.conv1(pixels).flatten(2).transpose(1, 2)
    tokens = torch.cat([tower.class_embedding.expand(len(patches), 1, -1), patches], 1)
    tokens = tokens + tower.positional_embedding
    whole = tokens.shape[1]
    tokens = tower.ln_pre(behind(tokens, prompts[0], whole))
    for layer, block in enumerate(tower.transformer.resblocks):
        if 0 < layer < len(prompts):
            tokens = behind(tokens[:, :whole], prompts[layer], whole)
        tokens = block(tokens)
    pooled: Tensor = tower._pool(tokens[:, :whole])[0] @ tower.proj
    return pooled


def slow_timm(tower: Any, prompts: list[Tensor], pixels: Tensor) -> Tensor:
    """Prompts stand before the patches here, as tokens that rotary positions leave alone."""
    tokens = tower._pos_embed(tower.patch_embed(pixels))
    options: list[dict[str, Tensor]] = [{}] * LAYERS
    before = tower.num_prefix_tokens
    if isinstance(tokens, tuple):
        tokens, rope = tokens
        if rope is not None:
            options = [{"rope": rope[layer] if tower.rope_mixed else rope} for layer in range(LAYERS)]
        for block in tower.blocks:
            block.attn.num_prefix_tokens = before + COUNT
    tokens = tower.norm_pre(behind(tokens, prompts[0], before))
    for layer, block in enumerate(tower.blocks):
        if 0 < layer < len(prompts):
            tokens = behind(without(tokens, before), prompts[layer], before)
        tokens = block(tokens, **options[layer])
    embeddings: Tensor = tower.forward_head(tower.norm(without(tokens, before)))
    return embeddings


def without(tokens: Tensor, place: int) -> Tensor:
    return torch.cat([tokens[:, :place], tokens[:, place + COUNT :]], 1)


@pytest.mark.parametrize("depth", [1, 2, LAYERS])
@pytest.mark.parametrize("kind", IMAGE_TOWERS)
def test_image_prompts_equal_a_slow_reference(kind: str, depth: int) -> None:
    plain, prompts = lively(IMAGE_TOWERS[kind]()), drawn_prompts(depth)
    prompted = PromptedImageTower(copy.deepcopy(plain), prompts)
    slow = slow_open_clip if hasattr(plain, "conv1") else slow_timm
    embeddings = prompted(images())
    torch.testing.assert_close(
        embeddings, slow(copy.deepcopy(plain), prompts, images()), rtol=1e-9, atol=1e-9
    )
    assert (embeddings - plain(images())).abs().max() > 1e-4

    embeddings.sum().backward()
    for prompt in prompted.prompts:
        assert prompt.grad is not None
        assert prompt.grad.abs().max() > 0


@pytest.mark.parametrize("kind", IMAGE_TOWERS)
def test_image_prompts_that_nobody_looks_at_change_nothing(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So neither positions nor pooling of the other tokens are touched."""
    plain = lively(IMAGE_TOWERS[kind]())
    prompted = PromptedImageTower(copy.deepcopy(plain), drawn_prompts(2))
    expected = plain(images())
    attention = F.scaled_dot_product_attention
    hidden = []

    def blind(query: Tensor, key: Tensor, value: Tensor, *_: Any, **options: Any) -> Tensor:
        if query.shape[-2] != key.shape[-2] or query.shape[-2] < COUNT + 4:
            return attention(query, key, value)
        hidden.append(key.shape[-2])
        return attention(query, key[..., :-COUNT, :], value[..., :-COUNT, :])

    monkeypatch.setattr(F, "scaled_dot_product_attention", blind)
    torch.testing.assert_close(prompted(images()), expected, rtol=1e-9, atol=1e-9)
    assert len(hidden) == LAYERS


@pytest.mark.parametrize("kind", ["clip", "coca", "siglip", "pe-core", "mixed rope"])
def test_checkpointing_and_autocast_change_neither_embeddings_nor_gradients(kind: str) -> None:
    prompted = PromptedImageTower(lively(IMAGE_TOWERS[kind]()).float(), [p.float() for p in drawn_prompts(2)])
    again = copy.deepcopy(prompted)
    again.set_grad_checkpointing()
    pixels = images().float()
    embeddings = prompted(pixels), again(pixels)
    torch.testing.assert_close(*embeddings)
    for tower, embedding in zip((prompted, again), embeddings, strict=True):
        embedding.square().sum().backward()
        assert tower.prompts[1].grad is not None
    for one, other in zip(prompted.prompts, again.prompts, strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    with torch.autocast("cpu", torch.bfloat16):
        assert again(pixels).sub(embeddings[0]).abs().max() < 0.1 * embeddings[0].abs().max()


def test_a_copy_has_prompts_of_its_own() -> None:
    prompted = PromptedImageTower(lively(open_clip_tower()), drawn_prompts(2))
    before, other = prompted(images()), copy.deepcopy(prompted)
    other.prompts[1].data.zero_()
    assert torch.equal(prompted(images()), before)
    assert not torch.allclose(other(images()), before)


@pytest.mark.parametrize("model", ["resnet", "convnext", "swin", "starter"])
def test_convolutional_image_towers_take_no_prompts(model: str) -> None:
    from open_clip.modified_resnet import ModifiedResNet
    from timm.models.convnext import ConvNeXt
    from timm.models.swin_transformer import SwinTransformer

    from vifi_cli.model.towers.starter import untrained_image_tower

    towers: dict[str, Callable[[], nn.Module]] = {
        "resnet": lambda: ModifiedResNet([1, 1, 1, 1], 16, heads=2, image_size=32, width=8),
        "convnext": lambda: ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 8, 8, 8)),
        "swin": lambda: SwinTransformer(
            img_size=64, embed_dim=8, depths=(1, 1), num_heads=(1, 1), window_size=4
        ),
        "starter": untrained_image_tower,
    }
    with pytest.raises(InvalidInput, match=r"takes no prompts.*--side text") as caught:
        PromptedImageTower(towers[model](), drawn_prompts(1))
    assert "\n" not in str(caught.value)


def test_a_whole_pe_core_of_open_clip_takes_prompts() -> None:
    import open_clip
    from open_clip.model import _build_vision_tower

    config = open_clip.get_model_config("PE-Core-T-16-384")
    torch.manual_seed(0)
    tower = _build_vision_tower(512, config["vision_cfg"])
    prompted = PromptedImageTower(tower.eval(), drawn_prompts(12, 8, 192))
    with torch.inference_mode():
        assert prompted.float()(torch.randn(1, 3, 384, 384)).shape == (1, 512)


def text_tower(**options: Any) -> nn.Module:
    from open_clip.transformer import TextTransformer

    config = {**TINY["text_cfg"], "layers": LAYERS, "context_length": 24, **options}  # type: ignore[dict-item]
    tower: nn.Module = TextTransformer(**config, output_dim=16)
    return lively(tower)


def tokens_of(texts: list[str]) -> Tensor:
    import open_clip

    tokens: Tensor = open_clip.SimpleTokenizer(context_length=24)(texts)
    return tokens


TEXT_TOWERS: dict[str, dict[str, Any]] = {
    "clip": {},
    "eos": {"pool_type": "eos", "eos_id": 49407},
    "looks ahead": {"no_causal_mask": True},
    "coca": {"embed_cls": True},
    "first": {"pool_type": "first", "no_causal_mask": True},
    "siglip": {"pool_type": "last", "no_causal_mask": True, "proj_bias": True},
}


def slow_text(tower: Any, prompts: list[Tensor], tokens: Tensor, place: int) -> Tensor:
    """The tower on a longer text, whose embedded tokens are put together by hand."""
    filled = behind(tokens[..., None], torch.ones(COUNT, 1, dtype=tokens.dtype), place)[
        :, : tokens.shape[1], 0
    ]
    _, mask = tower._embeds(filled)
    embedded = tower.token_embedding(tokens)
    x = behind(embedded, prompts[0], place)[:, : tokens.shape[1]]
    if tower.cls_emb is not None:
        x = torch.cat([x, tower.cls_emb.expand(len(x), 1, -1)], 1)
    x = x + tower.positional_embedding
    for layer, block in enumerate(tower.transformer.resblocks):
        if 0 < layer < len(prompts):
            x = behind(without(x, place), prompts[layer], place)
        x = block(x, attn_mask=mask)
    end = {"last": -1, "first": 0}.get(tower.pool_type)
    ends = [int(row.argmax()) + COUNT if end is None else end for row in tokens]
    x = x if tower.cls_emb is not None else tower.ln_final(x)
    if tower.cls_emb is not None:
        pooled = tower.ln_final(x[:, -1])
    else:
        pooled = torch.stack([row[place_] for row, place_ in zip(x, ends, strict=True)])
    projection = tower.text_projection
    embeddings: Tensor = projection(pooled) if isinstance(projection, nn.Linear) else pooled @ projection
    return embeddings


@pytest.mark.parametrize("depth", [1, LAYERS])
@pytest.mark.parametrize("kind", TEXT_TOWERS)
def test_text_prompts_equal_a_slow_reference(kind: str, depth: int) -> None:
    plain, prompts = text_tower(**TEXT_TOWERS[kind]), drawn_prompts(depth)
    prompted = PromptedTextTower(copy.deepcopy(plain), prompts)
    tokens = tokens_of(TEXTS)
    embeddings = prompted(tokens)
    expected = slow_text(plain, prompts, tokens, 0 if kind == "siglip" else 1)
    torch.testing.assert_close(embeddings, expected, rtol=1e-9, atol=1e-9)
    assert embeddings.std(0).mean() > 1e-3, "the texts must differ for this to show anything"
    embeddings.sum().backward()
    assert all(prompt.grad is not None and prompt.grad.abs().max() > 0 for prompt in prompted.prompts)


@pytest.mark.parametrize("kind", ["clip", "eos", "looks ahead", "coca"])
def test_prompts_that_are_words_equal_the_words(kind: str) -> None:
    plain = text_tower(**TEXT_TOWERS[kind])
    words = tokens_of(["a photo of many"])[0, 1 : 1 + COUNT]
    prompts = [plain.token_embedding(words).detach()]  # type: ignore[operator]
    prompted = PromptedTextTower(copy.deepcopy(plain), prompts)
    expected = plain(tokens_of([f"a photo of many {text}" for text in TEXTS]))
    torch.testing.assert_close(prompted(tokens_of(TEXTS)), expected, rtol=1e-9, atol=1e-9)


def test_cut_texts_grow_by_the_prompts() -> None:
    plain, prompts = text_tower(), drawn_prompts(2)
    cut = copy.deepcopy(plain)
    accept_cut_context(cut)
    whole, short = PromptedTextTower(plain, prompts), PromptedTextTower(cut, prompts)
    tokens = tokens_of(TEXTS)
    assert cut_context(tokens, {}).shape == (3, 7)
    torch.testing.assert_close(short(cut_context(tokens, {})), whole(tokens), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["clip", "eos", "looks ahead", "coca", "siglip"])
def test_a_name_without_room_loses_its_end_and_keeps_the_text_s(kind: str) -> None:
    plain = text_tower(**TEXT_TOWERS[kind])
    prompted = PromptedTextTower(plain, drawn_prompts(2))
    # 24 tokens: start, end, and the prompts leave 18 for the name
    fitting, long, longer = "dog " * 18, "dog " * 19, "dog " * 30
    with torch.no_grad():
        embeddings = prompted(tokens_of([fitting, long, longer, "cat"]))
    if kind != "siglip":
        torch.testing.assert_close(embeddings[1], embeddings[0])
        torch.testing.assert_close(embeddings[2], embeddings[0])
    assert not torch.allclose(embeddings[3], embeddings[0])
    kept = prompted.with_places(tokens_of([longer, "cat"]))
    assert kept.shape == (2, 24)
    assert kept[0, -1] == 49407
    assert (kept[1] == 49407).any()


def test_text_prompts_under_checkpointing_and_autocast() -> None:
    prompted = PromptedTextTower(text_tower().float(), [p.float() for p in drawn_prompts(2)])
    tokens = tokens_of(TEXTS)
    expected = prompted(tokens)
    prompted.set_grad_checkpointing()
    torch.testing.assert_close(prompted(tokens), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert prompted(tokens).sub(expected).abs().max() < 0.1 * expected.abs().max()


def test_prompts_of_the_starter_s_text_tower() -> None:
    plain = lively(SentenceTransformer())
    tokens = torch.tensor([[101, 5, 6, 102, 0], [101, 7, 102, 0, 0]])
    words = torch.tensor([9, 10, 11, 12])
    prompted = PromptedTextTower(copy.deepcopy(plain), [plain.token_embedding(words).detach()])  # type: ignore[operator]
    expected = plain(behind(tokens[..., None], words[:, None], 1)[..., 0])
    torch.testing.assert_close(prompted(tokens), expected, rtol=1e-9, atol=1e-9)
    deep = PromptedTextTower(copy.deepcopy(plain), drawn_prompts(3, width=384))
    assert not torch.allclose(deep(tokens), expected)
    assert not hasattr(deep, "set_grad_checkpointing")


def test_towers_of_other_kinds_and_sizes_say_so() -> None:
    with pytest.raises(InvalidInput, match=r"text tower .Embedding. takes no prompts"):
        PromptedTextTower(nn.Embedding(3, 3), drawn_prompts(1))
    with pytest.raises(InvalidInput, match="has 3 layers, so prompts cannot be 4 layers deep"):
        PromptedTextTower(text_tower(), drawn_prompts(4))
    with pytest.raises(InvalidInput, match="has 3 layers, so prompts cannot be 4 layers deep"):
        PromptedImageTower(open_clip_tower(), drawn_prompts(4))
    with pytest.raises(
        InvalidInput, match="22 text prompts leave no room for a name: the text tower takes 21"
    ):
        PromptedTextTower(text_tower(), drawn_prompts(1, count=22))


def network() -> ViFiCLIP:
    return ViFiCLIP(open_clip_tower().eval(), text_tower().float(), torch.tensor(3.0))


def test_added_prompts_are_small_seeded_and_named() -> None:
    plain = network()
    towers = {f"{name}": tensor for name, tensor in plain.state_dict().items()}
    add_prompts(plain, PromptShape(16, 2, 200, 3), seed=4)
    assert list(prompt_parameters(plain)) == [
        *(f"visual.prompts.{layer}" for layer in range(3)),
        *(f"text.prompts.{layer}" for layer in range(2)),
    ]
    renamed = {name.replace(".tower.", "."): tensor for name, tensor in plain.state_dict().items()}
    assert {
        name: tensor for name, tensor in renamed.items() if ".prompts." not in name
    }.keys() == towers.keys()
    assert "visual.tower.conv1.weight" in plain.state_dict()
    assert plain.visual.prompts[0].std().item() == pytest.approx(0.02, rel=0.05)  # type: ignore[index]

    text_only, other_seed = network(), network()
    add_prompts(text_only, PromptShape(16, 2), seed=4)
    assert isinstance(text_only.text, PromptedTextTower)
    assert not isinstance(text_only.visual, PromptedImageTower)
    for name, prompt in prompt_parameters(text_only).items():
        assert torch.equal(prompt, prompt_parameters(plain)[name]), "they do not depend on the other tower's"
    add_prompts(other_seed, PromptShape(16, 2), seed=5)
    assert not torch.equal(text_only.text.prompts[0], other_seed.text.prompts[0])  # type: ignore[index]
    assert plain(torch.rand(1, 2, 3, SIDE, SIDE), tokens_of(TEXTS)).shape == (1, 3)


@pytest.mark.parametrize("shape", [(-1, 0, 0, 0), (3, 0, 0, 0), (0, 0, 0, 2)])
def test_shapes_that_make_no_sense(shape: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="prompts"):
        PromptShape(*shape)
    assert not PromptShape()
    assert PromptShape(text_context=4, text_depth=1)
