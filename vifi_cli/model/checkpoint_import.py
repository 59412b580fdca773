"""Joins a published checkpoint with the CLIP that its training began with, into a model of vifi's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.model.checkpoint_classes import class_names_of
from vifi_cli.model.model_card import TEMPLATE, ModelCard, Tower
from vifi_cli.model.model_folder import LoadedModel, load_vifi_clip
from vifi_cli.model.published_checkpoint import (
    PublishedCheckpoint,
    own_name,
    published_name,
    read_published_checkpoint,
)

# the published transforms normalise so, whatever CLIP itself was trained with (datasets/build.py)
IMAGENET_MEAN = (123.675 / 255, 116.28 / 255, 103.53 / 255)
IMAGENET_STD = (58.395 / 255, 57.12 / 255, 57.375 / 255)

_TOKEN_EMBEDDING = "text.token_embedding.weight"
_CLASS_TEXTS = "prompt_learner.complete_text_embeddings"


@dataclass(frozen=True, slots=True)
class ImportedCheckpoint:
    """A checkpoint made a model.

    Attributes:
        model: the network with the checkpoint's weights, and its card.
        looks_like: the architecture in words.
        remarks: what the user should look into, a sentence each.
    """

    model: LoadedModel
    looks_like: str
    remarks: tuple[str, ...]


def import_checkpoint(path: Path, base: str) -> ImportedCheckpoint:
    """Join a checkpoint with the CLIP that its training began with.

    Args:
        path: .pth as the published code saves it, or its weights alone, also as .safetensors.
        base: any model name; its weights must be on this machine.

    Raises:
        InvalidInput: the checkpoint is of another backbone, or holds learned prompts.
        ModelUnavailable: a file is damaged, refused, or no checkpoint of ViFi-CLIP.
    """
    checkpoint = read_published_checkpoint(path)
    loaded = load_vifi_clip(base)
    weights = {
        own_name(name): tensor.float()
        for name, tensor in checkpoint.weights.items()
        if not name.startswith("prompt_learner.")
    }
    known = dict(loaded.network.state_dict())
    _check_shapes(checkpoint, weights, known, base)
    tuned = _tuned_towers(weights, known)
    # published training rounds the embedded class texts to half precision
    weights[_TOKEN_EMBEDDING] = known[_TOKEN_EMBEDDING].half().float()
    names: tuple[str, ...] | None = ()
    if _CLASS_TEXTS in checkpoint.weights:
        class_texts = checkpoint.weights[_CLASS_TEXTS]
        names = class_names_of(class_texts, weights[_TOKEN_EMBEDDING], _template(checkpoint))
    loaded.network.load_state_dict(weights, strict=False)
    card = _card(checkpoint, loaded.card, tuned, names or ())
    is_other_base = names is None or not set(tuned) <= _said_to_be_tuned(checkpoint)
    remark = f"it was not trained from {base}, as far as can be seen: name the CLIP it was trained from with --base"
    return ImportedCheckpoint(
        replace(loaded, card=card), checkpoint.looks_like, (remark,) if is_other_base else ()
    )


def _said_to_be_tuned(checkpoint: PublishedCheckpoint) -> set[str]:
    """The towers that the published code tunes under the setting `USE`; what it does not know means the text tower."""
    use = checkpoint.facts.get("use", "both")
    return {"image", "text"} if use == "both" else {"image"} if use == "image" else {"text"}


def _check_shapes(
    checkpoint: PublishedCheckpoint, weights: Mapping[str, Tensor], known: Mapping[str, Tensor], base: str
) -> None:
    expected = {
        name: tensor for name, tensor in known.items() if name not in (_TOKEN_EMBEDDING, "logit_bias")
    }
    for name in (*weights, *expected):
        here, there = weights.get(name), expected.get(name)
        if here is not None and there is not None and here.shape == there.shape:
            continue
        raise InvalidInput(
            f"{checkpoint.path} is the wrong checkpoint for the backbone {base}: {published_name(name)} is "
            f"{_shape(here)} in the checkpoint and {_shape(there)} in the backbone. The checkpoint looks like "
            f"{checkpoint.looks_like}; name its backbone with --base"
        )


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"({', '.join(map(str, tensor.shape))})"


def _tuned_towers(weights: Mapping[str, Tensor], known: Mapping[str, Tensor]) -> tuple[Tower, ...]:
    """The towers of which a weight differs from the base's, as it is or rounded to half precision as published."""
    towers: tuple[tuple[Tower, str], ...] = (("image", "visual."), ("text", "text."))
    return tuple(
        tower
        for tower, prefix in towers
        if any(
            not torch.equal(tensor, known[name]) and not torch.equal(tensor, known[name].half().float())
            for name, tensor in weights.items()
            if name.startswith(prefix)
        )
    )


def _template(checkpoint: PublishedCheckpoint) -> str:
    context = checkpoint.facts.get("context", "").replace("_", " ")
    return f"{context} {{}}." if context and "{}" not in context else TEMPLATE


def _card(
    checkpoint: PublishedCheckpoint, base: ModelCard, tuned: tuple[Tower, ...], names: tuple[str, ...]
) -> ModelCard:
    facts = {name: fact for name, fact in checkpoint.facts.items() if name != "context"}
    return replace(
        base,
        preprocessing=replace(base.preprocessing, mean=IMAGENET_MEAN, std=IMAGENET_STD),
        fusion="embedding",
        template=_template(checkpoint),
        class_names=names,
        tuned=tuned,
        origin={**base.origin, "checkpoint": checkpoint.path.name, **facts},
    )
