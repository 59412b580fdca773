"""A text context only as long as the longest text, where the embeddings stay the same."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def context_can_be_cut(text_config: Mapping[str, Any]) -> bool:
    """Whether a text tower may read only as far as the longest text, which changes nothing but the time it takes.

    That is so for a causal tower whose embedding is read at the end of each text: no token sees a later one, so padding
    after the longest text cannot matter. Class prompts take 10 to 25 of CLIP's 77 tokens.
    """
    return (
        not text_config.get("hf_model_name")
        and not text_config.get("no_causal_mask")
        and not text_config.get("embed_cls")
        and text_config.get("pool_type", "argmax") in ("argmax", "eos")
    )


def cut_context(tokens: Tensor, text_config: Mapping[str, Any]) -> Tensor:
    """Drop the columns after the end of the longest text: int64 (N, L) to (N, L'), at least one column."""
    if not len(tokens):
        return tokens
    is_end = tokens == text_config.get("eos_id", 2) if text_config.get("pool_type") == "eos" else tokens
    return tokens[:, : int(is_end.int().argmax(1).max()) + 1]


def accept_cut_context(tower: nn.Module) -> None:
    """Make an open_clip `TextTransformer` take token ids (N, L) of any length up to its context.

    It cuts the positional embedding to the tokens but not its attention mask. A hook does that, so the names of weights
    stay the same.
    """
    transformer: nn.Module = tower.transformer  # type: ignore[assignment]
    transformer.register_forward_pre_hook(_cut_mask, with_kwargs=True)


def _cut_mask(
    transformer: nn.Module, inputs: tuple[Tensor, ...], options: dict[str, Any]
) -> tuple[tuple[Tensor, ...], dict[str, Any]]:
    mask, length = options.get("attn_mask"), inputs[0].shape[1]
    if mask is None:
        return inputs, options
    return inputs, {**options, "attn_mask": mask[..., :length, :length]}
