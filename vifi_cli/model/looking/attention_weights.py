"""The attention weights of a transformer image tower, laid open by hooks while it runs.

Towers compute attention by kernels that give no weights away. The hooks make the very same layers compute it step by
step, so that weights can be read and differentiated; embeddings stay what they were, but for rounding.
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
    """What the tokens of a transformer image tower are, and how they become one embedding.

    In order: class token and registers, patches row by row, learned prompts.

    Attributes:
        blocks: one a layer.
        prefix: how many tokens stand before the patches.
        grid: rows and columns of patches.
        pooling: the embedding is that of the `first` token, the `average` of tokens, or made of tokens by `attention`.
        pooled_from: the place of the first token that an average or attention takes in; prompts are not among them.
        pool: what pools by attention, else None.
        prompts: how many learned prompts a layer has.
        depth: how many layers have prompts of their own, from the first one on.
    """

    blocks: tuple[nn.Module, ...]
    prefix: int
    grid: tuple[int, int]
    pooling: Pooling
    pooled_from: int = 0
    pool: nn.Module | None = None
    prompts: int = 0
    depth: int = 0

    @property
    def patches(self) -> slice:
        """The places of the patches among the tokens."""
        return slice(self.prefix, self.prefix + self.grid[0] * self.grid[1])


@dataclass(frozen=True, slots=True)
class AttentionWeights:
    """What was attended to while a tower ran; each row of weights adds up to 1.

    Attributes:
        layers: (N, heads, L, L) of each layer, in order; a row is the token that looks.
        pooling: (N, heads, queries, pooled tokens) of a pool by attention; empty where there is none.
    """

    layers: list[Tensor] = field(default_factory=list)
    pooling: list[Tensor] = field(default_factory=list)


def token_plan(tower: nn.Module) -> TokenPlan | None:
    """Say how a transformer image tower is built; None of any other tower.

    Raises:
        InvalidInput: it is a transformer that pools its tokens in a way of which no map can be told.
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
            f"the image tower pools its tokens by {unknown}, and what it looks at cannot be told: take another model"
        ) from unknown
    return None


def _plan_of_open_clip(tower: Any) -> TokenPlan:
    blocks = tuple(tower.transformer.resblocks)
    if tower.attn_pool is None:
        return TokenPlan(blocks, 1, tower.grid_size, _OPEN_CLIP_POOLING[tower.pool_type], pooled_from=1)
    if tower.pool_type != "tok":  # of CoCa's queries the first one alone makes the embedding
        raise KeyError("several queries")
    return TokenPlan(blocks, 1, tower.grid_size, "attention", pool=tower.attn_pool.attn)


def _plan_of_timm(trunk: Any) -> TokenPlan:
    prefix: int = trunk.num_prefix_tokens
    pooling = _TIMM_POOLING[trunk.global_pool]
    pools_prefix = getattr(
        trunk, "pool_include_prefix", trunk.attn_pool is not None
    )  # as Eva's attention does
    return TokenPlan(
        tuple(trunk.blocks),
        prefix,
        trunk.patch_embed.grid_size,
        pooling,
        pooled_from=0 if pools_prefix else prefix,
        pool=trunk.attn_pool,
    )


@contextmanager
def attention_laid_open(plan: TokenPlan) -> Iterator[AttentionWeights]:
    """Note the attention weights of every run of a tower while the context is open; for one run a context.

    Weights take part in the embedding's graph: its gradient by them can be asked for.

    Raises:
        InvalidInput: a layer computes attention in a way that is not known.
    """
    weights = AttentionWeights()
    with ExitStack() as undo:
        for block in plan.blocks:
            _lay_open(getattr(block, "attn", block), weights.layers.append, undo)
        if plan.pool is not None:
            _lay_open(plan.pool, weights.pooling.append, undo)
        yield weights


def _lay_open(attention: nn.Module, keep: Keep, undo: ExitStack) -> None:
    from timm.layers import AttentionPoolLatent

    if isinstance(attention, nn.MultiheadAttention):
        _lay_open_torch(attention, keep, undo)
    elif isinstance(attention, AttentionPoolLatent):
        _lay_open_latent_pool(attention, keep, undo)
    elif hasattr(attention, "fused_attn") and isinstance(getattr(attention, "attn_drop", None), nn.Module):
        _lay_open_timm(attention, keep, undo)
    else:
        raise InvalidInput(
            f"the image tower attends by {type(attention).__name__}, whose weights cannot be had: take another model"
        )


def _lay_open_torch(attention: nn.MultiheadAttention, keep: Keep, undo: ExitStack) -> None:
    def ask(_: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return inputs, {**options, "need_weights": True, "average_attn_weights": False}

    def mix_again(
        _: nn.Module, inputs: tuple[Tensor, ...], __: dict[str, Any], output: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        # what torch gives away is a view that its own result does not go through, so gradients would pass it by
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


def _lay_open_timm(attention: Any, keep: Keep, undo: ExitStack) -> None:
    undo.callback(setattr, attention, "fused_attn", attention.fused_attn)
    attention.fused_attn = False
    undo.callback(attention.attn_drop.register_forward_hook(lambda _, __, weights: keep(weights)).remove)


def _lay_open_latent_pool(pool: Any, keep: Keep, undo: ExitStack) -> None:
    """No step of this pool has its weights passing through: they are computed from queries and keys before `proj`."""
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
