"""Finds the learned prompts in a checkpoint of the published ViFi-CLIP code.

They are named `prompt_learner.ctx` and `image_encoder.VPT` at the input of a tower and, further in,
`…_encoder.transformer.resblocks.N.VPT_shallow` (`trainers/vificlip.py`, `clip/model.py`), which rounds them to half
precision in every pass.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.model.folders.card import PromptShape, Tower

_INPUTS: dict[Tower, str] = {"text": "prompt_learner.ctx", "image": "image_encoder.VPT"}
_DEEPER = re.compile(r"(text|image)_encoder\.transformer\.resblocks\.(\d+)\.VPT_shallow")
_BEFORE_NAMES, _NAMES = "prompt_learner.token_prefix", "prompt_learner.token_suffix"


@dataclass(frozen=True, slots=True)
class PublishedPrompts:
    """The prompts (n, W) of each tower, layer by layer; none where a tower has none."""

    text: tuple[Tensor, ...]
    image: tuple[Tensor, ...]

    @property
    def shape(self) -> PromptShape:
        """How many there are."""
        text, image = (len(prompts[0]) if prompts else 0 for prompts in (self.text, self.image))
        return PromptShape(text, len(self.text), image, len(self.image))


def is_prompt(name: str) -> bool:
    """Whether a weight of a published checkpoint is learned prompts."""
    return name in _INPUTS.values() or "VPT" in name.split(".")[-1]


def read_published_prompts(path: Path, weights: Mapping[str, Tensor]) -> PublishedPrompts:
    """Take the prompts out of a checkpoint, rounded to half precision as the published code does.

    Args:
        path: the checkpoint, for messages.
        weights: by their published names, without `module.`.

    Raises:
        InvalidInput: they are no vectors, or differ in number or width, or a layer lacks them.
    """
    return PublishedPrompts(_of_tower(path, weights, "text"), _of_tower(path, weights, "image"))


def _of_tower(path: Path, weights: Mapping[str, Tensor], tower: Tower) -> tuple[Tensor, ...]:
    names = {0: _INPUTS[tower]} if _INPUTS[tower] in weights else {}
    found = (_DEEPER.fullmatch(name) for name in weights)
    names |= {int(match[2]): match[0] for match in found if match and match[1] == tower}
    for layer in range(max(names, default=-1) + 1):
        if layer not in names:
            raise InvalidInput(
                f"{path} has prompts in layer {max(names)} of the {tower} tower and none in layer {layer}: "
                "the checkpoint is incomplete, copy or save it again"
            )
    prompts = tuple(weights[names[layer]] for layer in sorted(names))
    for layer, prompt in enumerate(prompts):
        if prompt.ndim != 2 or not len(prompt) or prompt.shape != prompts[0].shape:
            raise InvalidInput(
                f"{path} has prompts of shape {tuple(prompt.shape)} in layer {layer} of the {tower} tower and "
                f"{tuple(prompts[0].shape)} in layer 0: vifi takes (number, width), the same in every layer"
            )
    return tuple(prompt.half().float() for prompt in prompts)


def embedded_names(weights: Mapping[str, Tensor]) -> Tensor | None:
    """The class texts without prompts, token by token, float (C, L, W); None where the checkpoint has none."""
    if not {_BEFORE_NAMES, _NAMES} <= set(weights):
        return None
    before, names = weights[_BEFORE_NAMES], weights[_NAMES]
    if before.ndim != 3 or names.ndim != 3 or (len(before), before.shape[2]) != (len(names), names.shape[2]):
        return None
    return torch.cat([before, names], 1)
