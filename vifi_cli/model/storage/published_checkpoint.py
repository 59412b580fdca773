"""Reads checkpoints of the published ViFi-CLIP code: weights, learned prompts, and facts about the training.

The published `utils/tools.py` saves the weights beside the optimizer and the configuration. Weights are named
`image_encoder.*`, `text_encoder.*` and `logit_scale`; the token embedding, never trained, is absent, so it comes from
the CLIP that training began with (`trainers/vificlip.py`).

Learned prompts are named `prompt_learner.ctx` and `image_encoder.VPT` at the input of a tower and, further in,
`…_encoder.transformer.resblocks.N.VPT_shallow` (`trainers/vificlip.py`, `clip/model.py`), which rounds them to half
precision in every pass.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.architectures.openai_naming import architecture_of_shapes
from vifi_cli.model.registry.card import PromptShape, Tower
from vifi_cli.model.weights.finite_weights import require_usable_values
from vifi_cli.model.weights.foreign_files import is_safetensors, refuse_foreign_file
from vifi_cli.model.weights.restricted_pickle import read_pickled
from vifi_cli.model.weights.weights_file import read_weights, weights_by_name

_SIZES = {(768, 12): "ViT-B", (1024, 24): "ViT-L", (1280, 32): "ViT-H"}
_SETTINGS = {
    "backbone": ("MODEL", "ARCH"),
    "data": ("DATA", "DATASET"),
    "frames": ("DATA", "NUM_FRAMES"),
    "epochs planned": ("TRAIN", "EPOCHS"),
    "use": ("TRAINER", "ViFi_CLIP", "USE"),
    "context": ("TRAINER", "ViFi_CLIP", "CTX_INIT"),
}
_INPUTS: dict[Tower, str] = {"text": "prompt_learner.ctx", "image": "image_encoder.VPT"}
_DEEPER = re.compile(r"(text|image)_encoder\.transformer\.resblocks\.(\d+)\.VPT_shallow")
_BEFORE_NAMES, _NAMES = "prompt_learner.token_prefix", "prompt_learner.token_suffix"


@dataclass(frozen=True, slots=True)
class PublishedCheckpoint:
    """A checkpoint as it was read."""

    path: Path
    weights: Mapping[str, Tensor]  # by their published names, without `module.`, learned prompts included
    facts: Mapping[str, str]  # about its training, in words; empty where it holds weights alone

    @property
    def looks_like(self) -> str:
        """The architecture in words, inferred from the weights' shapes."""
        return _in_words({_openai_name(name): tuple(t.shape) for name, t in self.weights.items()})


def read_published_checkpoint(path: Path) -> PublishedCheckpoint:
    """Read a checkpoint without running it; ModelUnavailable if it is refused, damaged or not of ViFi-CLIP."""
    refuse_foreign_file(path)
    content: object = read_weights(path) if is_safetensors(path) else read_pickled(path)
    weights = weights_by_name(path, content)
    if not any(name.startswith("image_encoder.") for name in weights):
        raise ModelUnavailable(
            f"{path} is not a checkpoint of ViFi-CLIP: no weight in it is named image_encoder.*; "
            "weights named as in OpenAI's CLIP can be used as --model unchanged"
        )
    require_usable_values(path, weights)
    return PublishedCheckpoint(path, weights, _facts(content))


def _facts(content: object) -> dict[str, str]:
    if not isinstance(content, dict):
        return {}
    facts = {name: _plain(_setting(content.get("config"), *keys)) for name, keys in _SETTINGS.items()}
    epoch = content.get("epoch")
    facts["epochs"] = str(epoch + 1) if isinstance(epoch, int) else ""
    facts["best accuracy"] = _plain(content.get("max_accuracy"))
    return {name: fact for name, fact in facts.items() if fact}


def _setting(config: object, *keys: str) -> object:
    for key in keys:
        # by dict's own method, because a configuration from a file might define another `get`
        config = dict.get(config, key) if isinstance(config, dict) else None
    return config


def _plain(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def own_name(name: str) -> str:
    """The name in `ViFiCLIP` for a name in a published checkpoint."""
    return re.sub("^image_encoder[.]", "visual.", re.sub("^text_encoder[.]", "text.", name))


def published_name(name: str) -> str:
    """The name in a published checkpoint for a name in `ViFiCLIP`."""
    return re.sub("^visual[.]", "image_encoder.", re.sub("^text[.]", "text_encoder.", name))


def _openai_name(name: str) -> str:
    return own_name(name).removeprefix("text.")


def _in_words(shapes: Mapping[str, tuple[int, ...]]) -> str:
    text_width = shapes.get("positional_embedding", (0, 0))[-1]
    try:
        config = architecture_of_shapes(
            {**shapes, "token_embedding.weight": (0, text_width)}, quick_gelu=True
        )
    except (KeyError, IndexError, ValueError):
        return "not a CLIP that vifi knows"
    vision, text = config["vision_cfg"], config["text_cfg"]
    kind = "a ResNet"
    if vision["patch_size"]:
        kind = f"{_SIZES.get((vision['width'], vision['layers']), 'a ViT')}/{vision['patch_size']}"
    return (
        f"{kind} (image tower: {vision['layers']} layers, {vision['width']} wide, {vision['image_size']} pixels; "
        f"text tower: {text['layers']} layers, {text['width']} wide; embeddings of {config['embed_dim']})"
    )


@dataclass(frozen=True, slots=True)
class PublishedPrompts:
    """The prompts (n, W) of each tower, layer by layer; empty where a tower has none."""

    text: tuple[Tensor, ...]
    image: tuple[Tensor, ...]

    @property
    def shape(self) -> PromptShape:
        """The number of prompts and layers."""
        text, image = (len(prompts[0]) if prompts else 0 for prompts in (self.text, self.image))
        return PromptShape(text, len(self.text), image, len(self.image))


def is_prompt(name: str) -> bool:
    """Whether a weight of a published checkpoint belongs to learned prompts."""
    return name in _INPUTS.values() or "VPT" in name.split(".")[-1]


def read_published_prompts(path: Path, weights: Mapping[str, Tensor]) -> PublishedPrompts:
    """Extract the prompts of a checkpoint, rounded to half precision as the published code does.

    Raises InvalidInput if they are not vectors, or differ in number or width, or a layer lacks them.
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
    """The class texts without prompts, token by token, float (C, L, W), or None."""
    if not {_BEFORE_NAMES, _NAMES} <= set(weights):
        return None
    before, names = weights[_BEFORE_NAMES], weights[_NAMES]
    if before.ndim != 3 or names.ndim != 3 or (len(before), before.shape[2]) != (len(names), names.shape[2]):
        return None
    return torch.cat([before, names], 1)
