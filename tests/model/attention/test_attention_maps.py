"""Maps of attention in towers of every kind: against a slow reference, by hand, and where the answer is known."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.model.prompts.test_prompts import (
    IMAGE_TOWERS,
    LAYERS,
    SIDE,
    drawn_prompts,
    images,
    lively,
    open_clip_tower,
    timm_tower,
)
from vifi_cli.errors import InvalidInput
from vifi_cli.model.attention.attention_maps import attention_rollout, last_attention, relevance
from vifi_cli.model.attention.attention_weights import (
    AttentionWeights,
    TokenPlan,
    captured_attention,
    token_plan,
)
from vifi_cli.model.attention.frame_maps import choose_method, look
from vifi_cli.model.prompts.image import PromptedImageTower

TOWERS: dict[str, Callable[[], nn.Module]] = {
    **{kind: lambda build=build: lively(build()) for kind, build in IMAGE_TOWERS.items()},
    "registers averaged": lambda: lively(
        timm_tower("vit", reg_tokens=2, global_pool="avg", pool_include_prefix=True)
    ),
    "prompted clip": lambda: PromptedImageTower(lively(open_clip_tower()), drawn_prompts(2)),
    "prompted pe-core": lambda: PromptedImageTower(lively(IMAGE_TOWERS["pe-core"]()), drawn_prompts(LAYERS)),
    "prompted siglip": lambda: PromptedImageTower(lively(IMAGE_TOWERS["siglip"]()), drawn_prompts(1)),
}


def plan_of(tower: nn.Module) -> TokenPlan:
    plan = token_plan(tower)
    assert plan is not None
    return plan


@contextmanager
def attention_step_by_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Tensor]]:
    """The reference: whatever calls torch's attention gets it computed here, from queries, keys and values."""
    seen: list[Tensor] = []

    def attend(query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> Tensor:
        seen.append((query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).softmax(-1))
        return seen[-1] @ value

    with monkeypatch.context() as patch:
        patch.setattr(F, "scaled_dot_product_attention", attend)
        yield seen


@pytest.mark.parametrize("kind", TOWERS)
def test_weights_and_their_gradients_equal_a_slow_reference(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = TOWERS[kind]()
    direction = torch.randn(16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with attention_step_by_step(monkeypatch) as expected:
        slow = tower(images())
    with captured_attention(plan_of(tower)) as weights:
        embeddings = tower(images())
    found = [*weights.layers, *weights.pooling]
    assert len(weights.layers) == LAYERS
    torch.testing.assert_close(embeddings, slow, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    of_reference = torch.autograd.grad((slow @ direction).sum(), expected)
    torch.testing.assert_close(
        torch.autograd.grad((embeddings @ direction).sum(), found), of_reference, rtol=1e-9, atol=1e-9
    )
    assert all(gradient.abs().max() > 0 for gradient in of_reference)


@pytest.mark.parametrize("kind", TOWERS)
def test_the_tower_is_left_as_it_was(kind: str) -> None:
    tower = TOWERS[kind]()
    before = tower(images())
    with captured_attention(plan_of(tower)) as weights:
        torch.testing.assert_close(tower(images()), before, rtol=1e-9, atol=1e-9)
    noted = len(weights.layers)
    assert torch.equal(tower(images()), before), "to the last bit, so by the fused kernels again"
    assert len(weights.layers) == noted


def test_weights_equal_a_computation_by_hand() -> None:
    tower: Any = lively(open_clip_tower())
    inputs: list[Tensor] = []
    tower.transformer.resblocks[1].ln_1.register_forward_hook(lambda _, __, output: inputs.append(output))
    with captured_attention(plan_of(tower)) as weights:
        tower(images())
    attention, tokens = tower.transformer.resblocks[1].attn, inputs[0][1]
    for head in range(2):
        query, key = (
            tokens @ attention.in_proj_weight[start + 16 * head : start + 16 * head + 16].T
            + attention.in_proj_bias[start + 16 * head : start + 16 * head + 16]
            for start in (0, 32)
        )
        powers = torch.exp(query @ key.T / 4)
        expected = powers / powers.sum(1, keepdim=True)
        torch.testing.assert_close(weights.layers[1][1, head], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", TOWERS)
def test_maps_lie_on_the_patches_and_add_up_to_their_share(kind: str) -> None:
    tower = TOWERS[kind]()
    plan = plan_of(tower)
    with captured_attention(plan) as weights:
        tower(images())
    side = 2 if any(name.endswith("conv1") for name, _ in tower.named_modules()) else 4
    for maps in (last_attention(plan, weights), attention_rollout(plan, weights)):
        assert maps.shape == (2, side, side)
        assert (maps >= 0).all()
        assert (maps.sum((1, 2)) > 0).all()
        assert (maps.sum((1, 2)) < 1 + 1e-9).all()


def test_a_map_adds_up_to_one_where_there_is_nothing_but_patches() -> None:
    for method in ("last", "rollout"):
        total = look(TOWERS["gap"](), images(), method).maps.sum((1, 2))
        torch.testing.assert_close(total, torch.ones(2))


def matrices(*rows: list[list[float]]) -> list[Tensor]:
    """One layer each, of one picture and one head."""
    return [torch.tensor(row, dtype=torch.float64)[None, None] for row in rows]


TWO_PATCHES = TokenPlan((), prefix=1, grid=(1, 2), pooling="first")
FIRST = [[0.2, 0.3, 0.5], [0.0, 1.0, 0.0], [0.4, 0.0, 0.6]]
SECOND = [[0.1, 0.7, 0.2], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]


def test_last_attention_and_rollout_by_hand() -> None:
    weights = AttentionWeights(matrices(FIRST, SECOND))
    torch.testing.assert_close(
        last_attention(TWO_PATCHES, weights), torch.tensor([[[0.7, 0.2]]], dtype=torch.float64)
    )
    # the first row of (SECOND + 1) / 2 is (.55, .35, .1), the columns of (FIRST + 1) / 2 are (.15, 1, 0), (.25, 0, .8)
    expected = [[[0.55 * 0.15 + 0.35 * 1.0, 0.55 * 0.25 + 0.1 * 0.8]]]
    torch.testing.assert_close(
        attention_rollout(TWO_PATCHES, weights), torch.tensor(expected, dtype=torch.float64)
    )


def test_relevance_by_hand() -> None:
    """A score that is linear in the weights has the gradients that it is made with."""
    layers = [layer.repeat(1, 2, 1, 1).requires_grad_() for layer in matrices(FIRST, SECOND)]
    gradients = [torch.zeros(1, 2, 3, 3, dtype=torch.float64) for _ in layers]
    gradients[0][0, 0, 0, 1] = 2.0  # first layer, first head: the class token gains by the first patch
    gradients[0][0, 1, 0, 2] = -9.0  # second head: it loses by the second, which does not count
    gradients[1][0, :, 0, 2] = 1.0  # second layer, both heads: it gains by the second patch
    gradients[1][0, :, 0, 0] = 3.0  # and by itself
    scores = sum((layer * gradient).sum((1, 2, 3)) for layer, gradient in zip(layers, gradients, strict=True))
    assert isinstance(scores, Tensor)
    # layer 1: the class token is itself + .3 of the first patch (2 x .3, mean of 2 heads)
    # layer 2: it is 1 + .3 of that (3 x .1), and .2 of the second patch (1 x .2)
    expected = torch.tensor([[[1.3 * 0.3, 0.2]]], dtype=torch.float64)
    torch.testing.assert_close(relevance(TWO_PATCHES, AttentionWeights(layers), scores), expected)


def test_a_pool_by_attention_looks_last() -> None:
    plan = TokenPlan((), prefix=1, grid=(1, 2), pooling="attention", pooled_from=1, pool=nn.Identity())
    pool = torch.tensor([0.25, 0.75], dtype=torch.float64).view(1, 1, 1, 2)
    weights = AttentionWeights(matrices(FIRST), [pool])
    torch.testing.assert_close(last_attention(plan, weights), pool[:, 0])
    # half of each token stays: the first patch is .25 x 1, the second .75 x .8
    expected = torch.tensor([[[0.25, 0.6]]], dtype=torch.float64)
    torch.testing.assert_close(attention_rollout(plan, weights), expected)


@given(st.integers(0, 1_000_000), st.integers(1, 4), st.integers(0, 3), st.sampled_from(["first", "average"]))
def test_rollout_is_what_tokens_pass_on(seed: int, layers: int, prompts: int, pooling: Any) -> None:
    """Tokens that are mixed by the weights and nothing else: the map is the embedding's derivative by the patches."""
    generator = torch.Generator().manual_seed(seed)
    depth = int(torch.randint(1, layers + 1, (), generator=generator)) if prompts else 0
    plan = TokenPlan((), 1, (2, 3), pooling, pooled_from=1, prompts=prompts, depth=depth)
    length = 7 + prompts
    mixing = [
        torch.rand(1, 2, length, length, generator=generator, dtype=torch.float64).softmax(-1)
        for _ in range(layers)
    ]

    def embedding(tokens: Tensor) -> Tensor:
        for number, mix in enumerate(mixing):
            if 0 < number < depth:
                tokens = torch.cat([tokens[:7], torch.ones(prompts, dtype=torch.float64)])
            tokens = (tokens + mix[0].mean(0) @ tokens) / 2
        return tokens[0] if pooling == "first" else tokens[1:7].mean()

    passed_on = torch.autograd.functional.jacobian(embedding, torch.ones(length, dtype=torch.float64))
    rolled = attention_rollout(plan, AttentionWeights(mixing))
    torch.testing.assert_close(rolled.flatten(), passed_on[1:7])


def blank_but_one_patch(tower: Any, place: int) -> Tensor:
    """A picture of which one patch alone is not black, for a tower that makes nothing of black."""
    for name, parameter in tower.named_parameters():
        if "bias" in name or "positional" in name:
            parameter.data.zero_()
    picture = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.float64)
    patch = tower.patch_size[0]
    row, column = divmod(place, SIDE // patch)
    picture[..., row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] = 1.0
    return picture


@pytest.mark.parametrize("place", [0, 6, 15])
def test_a_score_that_hangs_on_one_patch_is_found_there(place: int) -> None:
    from open_clip.transformer import VisionTransformer

    tower = lively(VisionTransformer(SIDE, 4, 32, 1, 2, 2.0, output_dim=16))
    picture = blank_but_one_patch(tower, place)
    texts = torch.eye(16, dtype=torch.float64)
    found = torch.stack([look(tower, picture, "relevance", text).maps.flatten() for text in texts])
    assert (found[:, place] > 0).sum() >= 2, "of the other texts the patch says nothing, or the contrary"
    assert found.count_nonzero() == found[:, place].count_nonzero()
    assert look(tower, picture, "relevance").maps.flatten().argmax() == place


def test_what_is_told_of_a_picture_does_not_hang_on_the_others() -> None:
    tower = TOWERS["prompted clip"]()
    text = F.normalize(torch.arange(16.0, dtype=torch.float64), dim=0)
    pictures = images()
    for method in ("last", "rollout", "relevance"):
        together = look(tower, pictures, method, text)
        alone = look(tower, pictures[1:], method, text)
        torch.testing.assert_close(together.maps[1:], alone.maps)
        torch.testing.assert_close(together.embeddings, tower(pictures).float())
    assert not pictures.requires_grad


def test_methods_fit_the_tower() -> None:
    clip = TOWERS["clip"]()
    assert choose_method(clip, None, has_text=True) == "relevance"
    assert choose_method(clip, None, has_text=False) == "last"
    assert choose_method(clip, "rollout", has_text=True) == "rollout"
    with pytest.raises(InvalidInput, match="--method cam is for convolutional"):
        choose_method(clip, "cam", has_text=True)


def test_towers_that_cannot_be_told_are_refused_in_a_line() -> None:
    refused: list[tuple[Callable[[], nn.Module], str]] = [
        (partial(timm_tower, "vit", global_pool="max"), "pools its tokens by 'max'"),
        (partial(open_clip_tower, attentional_pool="parallel", attn_pooler_heads=2), "several queries"),
        (partial(open_clip_tower, qk_norm=True), "the attention weights of Attention"),
    ]
    for build, said in refused:
        with pytest.raises(InvalidInput, match=said) as caught:
            look(build().double(), images(), "last")
        assert "\n" not in str(caught.value)
