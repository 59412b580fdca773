"""From attention weights to a map of the patches that a transformer's embedding comes from, in three ways.

* The last attention: the one that makes the embedding, averaged over heads.
* Attention rollout: Abnar & Zuidema, Quantifying Attention Flow in Transformers, ACL 2020, section 3.
* Gradient-weighted relevance for a score: Chefer, Gur & Wolf, Generic Attention-model Explainability for Interpreting
  Bi-Modal and Encoder-Decoder Transformers, ICCV 2021, the rule for self-attention (equations 5 and 6).

All are products of matrices (N, L, L) over the tokens of a tower, one for each layer. A row is a token after the layer;
its columns are the shares of the tokens it comes from. A layer's own learned prompts begin there: they contain nothing
of the picture.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from vifi_cli.model.attention.attention_weights import AttentionWeights, TokenPlan


def last_attention(plan: TokenPlan, weights: AttentionWeights) -> Tensor:
    """The attention that makes the embedding: that of the pool, if the tower pools by attention, or of the last layer.

    (N, rows, columns), not negative. The sum is the share of attention on patches; the rest is on class token,
    registers and prompts.
    """
    last = weights.layers[-1].mean(1)
    made_from = _identity(last) if weights.pooling else last
    return _on_patches(plan, _mean_pooling(weights), made_from)


def attention_rollout(plan: TokenPlan, weights: AttentionWeights) -> Tensor:
    """Where the embedding comes from if, in each layer, attention moves half of each token and the other half stays.

    (N, rows, columns), not negative. The sum is the share that comes from patches.
    """
    moved = [(attention.mean(1) + _identity(attention)) / 2 for attention in weights.layers]
    return _on_patches(plan, _mean_pooling(weights), _through_layers(plan, moved))


def relevance(plan: TokenPlan, weights: AttentionWeights, scores: Tensor) -> Tensor:
    """How much each patch raises a score: attention weights times the score's gradient, where positive.

    With the attention A of a layer and its gradient G, R becomes R + E(max(G * A, 0)) R, with the mean E over heads. A
    pool by attention then works like a layer. Returns (N, rows, columns), not negative, in the scale of the gradient.

    Args:
        plan: of the tower.
        weights: of the run that `scores` come from, with their graph.
        scores: (N,), one for each image, computed from that image alone.
    """
    parts = [*weights.layers, *weights.pooling]
    gradients = torch.autograd.grad(scores.sum(), parts)
    with torch.no_grad():
        speaking = [
            (part * gradient).clamp(min=0).mean(1) for part, gradient in zip(parts, gradients, strict=True)
        ]
        layers = speaking[: len(weights.layers)]
        pooling = speaking[-1][:, 0] if weights.pooling else None
        made_from = _through_layers(plan, [layer + _identity(layer) for layer in layers])
        return _on_patches(plan, pooling, made_from)


def _mean_pooling(weights: AttentionWeights) -> Tensor | None:
    return weights.pooling[0].mean(1)[:, 0] if weights.pooling else None


def _through_layers(plan: TokenPlan, layers: Sequence[Tensor]) -> Tensor:
    """The shares of the first tokens in those after the last layer, (N, L, L)."""
    made_from = _identity(layers[0])
    for number, layer in enumerate(layers):
        if 0 < number < plan.depth:
            begun = made_from.shape[-1] - plan.prompts
            made_from = torch.cat([made_from[:, :begun], _identity(layer)[:, begun:]], 1)
        made_from = layer @ made_from
    return made_from


def _on_patches(plan: TokenPlan, pooling: Tensor | None, made_from: Tensor) -> Tensor:
    """The map of the embedding, (N, rows, columns).

    `pooling` has the share of each pooled token in the embedding, (N, pooled tokens); None without attention pooling.
    `made_from` has the shares of the first tokens in the last ones, (N, L, L).
    """
    taken = torch.zeros_like(made_from[:, 0])
    if plan.pooling == "first":
        taken[:, 0] = 1
    else:
        pooled = taken[:, plan.pooled_from : taken.shape[1] - plan.prompts]
        pooled[:] = 1 / pooled.shape[1] if pooling is None else pooling
    tokens = (taken[:, None] @ made_from)[:, 0]
    return tokens[:, plan.patches].reshape(-1, *plan.grid)


def _identity(like: Tensor) -> Tensor:
    """(N, L, L) for weights (N, L, L) or (N, heads, L, L)."""
    size = like.shape[-1]
    return torch.eye(size, dtype=like.dtype, device=like.device).expand(len(like), size, size)
