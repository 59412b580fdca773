"""Captures the attention weights of a transformer image tower by hooks while it runs.

Towers compute attention by kernels that do not return the weights. The hooks make the same layers compute it step by
step, so the weights can be read and differentiated; embeddings stay the same, except for rounding.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.prompts.image import PromptedImageTower
from vifi_cli.model.torchvision_operators import declare_missing_operators

Pooling = Literal["first", "average", "attention"]
Keep = Callable[[Tensor], object]

_OPEN_CLIP_POOLING: dict[str, Pooling] = {"tok": "first", "avg": "average"}
_TIMM_POOLING: dict[str, Pooling] = {"token": "first", "avg": "average", "map": "attention"}


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """The tokens of a transformer image tower, and how they become one embedding.

    In order: class token and registers, patches row by row, learned prompts.
    """

    blocks: tuple[nn.Module, ...]
    prefix: int  # number of tokens before the patches
    grid: tuple[int, int]  # rows and columns of patches
    # the embedding is that of the `first` token, the `average` of tokens, or pooled by `attention`
    pooling: Pooling
    pooled_from: int = 0  # position of the first token in the average or attention; prompts are never pooled
    pool: nn.Module | None = None  # the module that pools by attention
    prompts: int = 0  # number of learned prompts in a layer
    depth: int = 0  # number of layers with prompts, from the first one on

    @property
    def patches(self) -> slice:
        """The positions of the patches among the tokens."""
        return slice(self.prefix, self.prefix + self.grid[0] * self.grid[1])


@dataclass(frozen=True, slots=True)
class AttentionWeights:
    """Attention weights of one run of a tower; each row sums to 1."""

    layers: list[Tensor] = field(default_factory=list)  # (N, heads, L, L); a row is the token that attends
    # (N, heads, queries, pooled tokens); empty without attention pooling
    pooling: list[Tensor] = field(default_factory=list)


def token_plan(tower: nn.Module) -> TokenPlan | None:
    """Describe the tokens of a transformer image tower; None for any other tower.

    Raises InvalidInput for a transformer that pools its tokens in an unknown way.
    """
    declare_missing_operators()
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer
    from timm.models.eva import Eva
    from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer

    if isinstance(tower, PromptedImageTower):
        plan = token_plan(tower.tower)
        return plan and replace(plan, prompts=len(tower.prompts[0]), depth=len(tower.prompts))
    trunk = tower.trunk if isinstance(tower, TimmModel) else tower
    try:
        if isinstance(trunk, VisionTransformer):
            return _plan_of_open_clip(trunk)
        if isinstance(trunk, TimmVisionTransformer | Eva):
            return _plan_of_timm(trunk)
    except KeyError as unknown:
        raise InvalidInput(
            f"the image tower pools its tokens by {unknown}, which vifi cannot map: choose another model"
        ) from unknown
    return None


def _plan_of_open_clip(tower: Any) -> TokenPlan:
    blocks = tuple(tower.transformer.resblocks)
    if tower.attn_pool is None:
        return TokenPlan(blocks, 1, tower.grid_size, _OPEN_CLIP_POOLING[tower.pool_type], pooled_from=1)
    if tower.pool_type != "tok":  # of CoCa's queries, only the first makes the embedding
        raise KeyError("several queries")
    return TokenPlan(blocks, 1, tower.grid_size, "attention", pool=tower.attn_pool.attn)


def _plan_of_timm(trunk: Any) -> TokenPlan:
    prefix: int = trunk.num_prefix_tokens
    pooling = _TIMM_POOLING[trunk.global_pool]
    # as Eva's attention does
    pools_prefix = getattr(trunk, "pool_include_prefix", trunk.attn_pool is not None)
    return TokenPlan(
        tuple(trunk.blocks),
        prefix,
        trunk.patch_embed.grid_size,
        pooling,
        pooled_from=0 if pools_prefix else prefix,
        pool=trunk.attn_pool,
    )


@contextmanager
def captured_attention(plan: TokenPlan) -> Iterator[AttentionWeights]:
    """Capture the attention weights of a tower; use one context for each run.

    The weights are part of the embedding's graph, so it can be differentiated with respect to them. A layer that
    computes attention in an unknown way raises InvalidInput.
    """
    weights = AttentionWeights()
    with ExitStack() as undo:
        for block in plan.blocks:
            _capture(getattr(block, "attn", block), weights.layers.append, undo)
        if plan.pool is not None:
            _capture(plan.pool, weights.pooling.append, undo)
        yield weights


def _capture(attention: nn.Module, keep: Keep, undo: ExitStack) -> None:
    from timm.layers import AttentionPoolLatent

    if isinstance(attention, nn.MultiheadAttention):
        _capture_torch(attention, keep, undo)
    elif isinstance(attention, AttentionPoolLatent):
        _capture_latent_pool(attention, keep, undo)
    elif hasattr(attention, "fused_attn") and isinstance(getattr(attention, "attn_drop", None), nn.Module):
        _capture_timm(attention, keep, undo)
    else:
        raise InvalidInput(
            f"vifi cannot capture the attention weights of {type(attention).__name__}: choose another model"
        )


def _capture_torch(attention: nn.MultiheadAttention, keep: Keep, undo: ExitStack) -> None:
    def ask(_: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return inputs, {**options, "need_weights": True, "average_attn_weights": False}

    def mix_again(
        _: nn.Module, inputs: tuple[Tensor, ...], __: dict[str, Any], output: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        # torch computes its own result without the weights that it returns, so these would get no gradient
        weights = output[1]
        keep(weights)
        values = _by_head(F.linear(inputs[2], *_value_projection(attention)), attention.num_heads)
        return attention.out_proj((weights @ values).transpose(1, 2).flatten(2)), weights

    undo.callback(attention.register_forward_pre_hook(ask, with_kwargs=True).remove)
    undo.callback(attention.register_forward_hook(mix_again, with_kwargs=True).remove)


def _value_projection(attention: Any) -> tuple[Tensor, Tensor | None]:
    packed, bias = attention.in_proj_weight, attention.in_proj_bias
    weight = attention.v_proj_weight if packed is None else packed.chunk(3)[2]
    return weight, None if bias is None else bias.chunk(3)[2]


def _capture_timm(attention: Any, keep: Keep, undo: ExitStack) -> None:
    undo.callback(setattr, attention, "fused_attn", attention.fused_attn)
    attention.fused_attn = False
    undo.callback(attention.attn_drop.register_forward_hook(lambda _, __, weights: keep(weights)).remove)


def _capture_latent_pool(pool: Any, keep: Keep, undo: ExitStack) -> None:
    """In no step of this pool do its weights pass through a module, so they are computed before `proj`."""
    parts: dict[str, Tensor] = {}

    def mix_again(_: nn.Module, __: tuple[Tensor]) -> tuple[Tensor]:
        weights = (parts["q_norm"] * pool.scale @ parts["k_norm"].transpose(-2, -1)).softmax(-1)
        keep(weights)
        values = _by_head(parts["kv"].chunk(2, -1)[1], pool.num_heads)
        return ((weights @ values).transpose(1, 2).flatten(2),)

    for name in ("q_norm", "k_norm", "kv"):

        def note(_: nn.Module, __: tuple[Tensor], output: Tensor, name: str = name) -> None:
            parts[name] = output

        undo.callback(getattr(pool, name).register_forward_hook(note).remove)
    undo.callback(pool.proj.register_forward_pre_hook(mix_again).remove)


def _by_head(values: Tensor, heads: int) -> Tensor:
    """(N, L, W) to (N, heads, L, W / heads)."""
    return values.view(*values.shape[:2], heads, -1).transpose(1, 2)
