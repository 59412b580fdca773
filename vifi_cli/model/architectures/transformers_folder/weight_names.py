"""How weights of transformers and of open_clip correspond, in both directions.

Attention has query, key and value in one matrix in open_clip, and in three in transformers; projections without a bias
are stored transposed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

_SHARES = {1: (1,), 2: (1, 2), 3: (1, 1, 1)}  # of two, one has the query, the other key and value


@dataclass(frozen=True, slots=True)
class WeightNames:
    """Weights that hold the same numbers, under the names of both packages."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    form: Literal["equal", "transposed", "batched", "stacked"] = (
        "equal"  # batched: ours has one more dimension
    )

    def to_ours(self, theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights as open_clip has them; empty if one is missing, which the tower reports."""
        if not all(name in theirs for name in self.theirs):
            return {}
        found = [theirs[name] for name in self.theirs]
        if self.form == "stacked":
            return dict(zip(self.ours, _divided(torch.cat(found), len(self.ours)), strict=True))
        one = found[0]
        return {
            self.ours[0]: one.T if self.form == "transposed" else one[None] if self.form == "batched" else one
        }

    def to_theirs(self, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights as transformers has them; KeyError if one is missing."""
        found = [ours[name] for name in self.ours]
        if self.form == "stacked":
            return dict(zip(self.theirs, _divided(torch.cat(found), len(self.theirs)), strict=True))
        one = found[0]
        return {
            self.theirs[0]: one.T if self.form == "transposed" else one[0] if self.form == "batched" else one
        }


def _divided(stacked: Tensor, count: int) -> tuple[Tensor, ...]:
    shares = _SHARES[count]
    return torch.split(stacked, [len(stacked) * share // sum(shares) for share in shares])


def equal(pairs: Mapping[str, str], kinds: Iterable[str] = ("weight", "bias")) -> Iterator[WeightNames]:
    """Modules of transformers and of open_clip whose weights are equal."""
    for theirs, ours in pairs.items():
        for kind in kinds:
            yield WeightNames((f"{ours}.{kind}",), (f"{theirs}.{kind}",))


def stacked_attention(theirs: str, ours: str, separator: str = ".") -> Iterator[WeightNames]:
    """Query, key and value of a block: three modules there, one weight here."""
    for kind in ("weight", "bias"):
        names = tuple(f"{theirs}.{letter}_proj.{kind}" for letter in "qkv")
        yield WeightNames((f"{ours}{separator}{kind}",), names, "stacked")


def text_blocks(layers: int) -> Iterator[WeightNames]:
    """The blocks of a text tower and what is before them, which CLIP and SigLIP share."""
    embeddings = "text_model.embeddings"
    yield WeightNames(("token_embedding.weight",), (f"{embeddings}.token_embedding.weight",))
    yield WeightNames(("positional_embedding",), (f"{embeddings}.position_embedding.weight",))
    yield from equal({"text_model.final_layer_norm": "ln_final"})
    yield from open_clip_blocks("text_model", "transformer", layers)


def open_clip_blocks(theirs: str, ours: str, layers: int) -> Iterator[WeightNames]:
    """The blocks of a transformer of open_clip's own."""
    for layer in range(layers):
        there, here = f"{theirs}.encoder.layers.{layer}", f"{ours}.resblocks.{layer}"
        yield from equal(
            {
                f"{there}.layer_norm1": f"{here}.ln_1",
                f"{there}.layer_norm2": f"{here}.ln_2",
                f"{there}.self_attn.out_proj": f"{here}.attn.out_proj",
                f"{there}.mlp.fc1": f"{here}.mlp.c_fc",
                f"{there}.mlp.fc2": f"{here}.mlp.c_proj",
            }
        )
        yield from stacked_attention(f"{there}.self_attn", f"{here}.attn.in_proj", "_")
