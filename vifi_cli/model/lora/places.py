"""Which weights of a tower LoRA can change, found by their names in open_clip, timm, transformers and `starter`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from vifi_cli.model.registry.card import LoraPlace

# weights that hold several projections, one below the other, by the last part of their names
_FUSED: dict[str, tuple[LoraPlace, ...]] = {
    "in_proj_weight": ("q", "k", "v"),
    "qkv.weight": ("q", "k", "v"),
    "kv.weight": ("k", "v"),
}
_SINGLE: tuple[tuple[LoraPlace, re.Pattern[str]], ...] = (
    ("q", re.compile(r"(^|\.)(q|q_proj|query)[._]weight$")),
    ("k", re.compile(r"(^|\.)(k|k_proj|key)[._]weight$")),
    ("v", re.compile(r"(^|\.)(v|v_proj|value)[._]weight$")),
    (
        "o",
        re.compile(
            r"(attn\w*|attention)\.(out_proj|proj|c_proj|output\.dense)\.weight$|attention_output\.weight$"
        ),
    ),
    ("mlp", re.compile(r"(^|\.)(mlp\.\w+|expand|contract|intermediate\.dense|output\.dense)\.weight$")),
)


@dataclass(frozen=True, slots=True)
class AdaptedWeight:
    """A weight that LoRA changes; a convolution of 1 x 1 pixels counts as the matrix that it is."""

    name: str  # in its tower
    module: nn.Module
    attribute: str  # of the module
    # the rows of each projection; one part named "" where the weight is one projection
    parts: tuple[tuple[str, slice], ...]

    @property
    def weight(self) -> Tensor:
        """The weight itself."""
        weight: Tensor = getattr(self.module, self.attribute)
        return weight


def adapted_weights(tower: nn.Module, places: Sequence[LoraPlace]) -> Iterator[AdaptedWeight]:
    """The weights of a tower at these places, in the order of the tower."""
    for path, module in tower.named_modules():
        for attribute, weight in module.named_parameters(recurse=False):
            name = f"{path}.{attribute}" if path else attribute
            if parts := _parts(name, module, weight, places):
                yield AdaptedWeight(name, module, attribute, parts)


def _parts(
    name: str, module: nn.Module, weight: Tensor, places: Sequence[LoraPlace]
) -> tuple[tuple[str, slice], ...]:
    whole = (("", slice(0, len(weight))),) if weight.ndim else ()
    if isinstance(module, nn.Conv2d):
        is_pointwise = weight.shape[2:] == (1, 1) and module.groups == 1
        return whole if is_pointwise and "conv" in places else ()
    if weight.ndim != 2 or isinstance(module, nn.Embedding):
        return ()
    fused = next((parts for end, parts in _FUSED.items() if f".{name}".endswith(f".{end}")), ())
    if fused:
        rows = len(weight) // len(fused)
        of_parts = {part: slice(i * rows, (i + 1) * rows) for i, part in enumerate(fused)}
        return tuple((part, of_parts[part]) for part in fused if part in places)
    place = next((place for place, pattern in _SINGLE if pattern.search(name)), None)
    return whole if place in places else ()
