"""Turns checkpoints of the published ViFi-CLIP code into models.

The published `utils/tools.py` saves the weights beside the optimizer and the configuration. Weights are named
`image_encoder.*`, `text_encoder.*` and `logit_scale`; the token embedding, never trained, is not among them, so
it comes from the CLIP that training began with (`trainers/vificlip.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.checkpoint_classes import class_names_of
from vifi_cli.model.model_card import TEMPLATE, ModelCard, Tower
from vifi_cli.model.model_folder import LoadedModel, load_vifi_clip
from vifi_cli.model.openai_naming import architecture_of_shapes
from vifi_cli.model.restricted_pickle import read_pickled
from vifi_cli.model.weights_file import read_weights, weights_by_name

# the published transforms normalise so, whatever CLIP itself was trained with (datasets/build.py)
IMAGENET_MEAN = (123.675 / 255, 116.28 / 255, 103.53 / 255)
IMAGENET_STD = (58.395 / 255, 57.12 / 255, 57.375 / 255)

_TOKEN_EMBEDDING = "text.token_embedding.weight"
_NAMED_CLASSES = "prompt_learner.complete_text_embeddings"
_SIZES = {(768, 12): "ViT-B", (1024, 24): "ViT-L", (1280, 32): "ViT-H"}
_SETTINGS = {
    "backbone": ("MODEL", "ARCH"),
    "data": ("DATA", "DATASET"),
    "frames": ("DATA", "NUM_FRAMES"),
    "epochs planned": ("TRAIN", "EPOCHS"),
    "use": ("TRAINER", "ViFi_CLIP", "USE"),
    "context": ("TRAINER", "ViFi_CLIP", "CTX_INIT"),
}


@dataclass(frozen=True, slots=True)
class PublishedCheckpoint:
    """A checkpoint as it was read.

    Attributes:
        path: the file.
        weights: by their published names, without `module.`.
        facts: what it says of its training, in words; empty where it holds weights alone.
    """

    path: Path
    weights: Mapping[str, Tensor]
    facts: Mapping[str, str]

    @property
    def looks_like(self) -> str:
        """The architecture in words, read off the weights' shapes."""
        return _in_words({_openai_name(name): tuple(t.shape) for name, t in self.weights.items()})


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
    weights = {_own_name(name): tensor.float() for name, tensor in checkpoint.weights.items()}
    names_embedded = weights.pop(_NAMED_CLASSES, None)
    known = dict(loaded.network.state_dict())
    _check_shapes(checkpoint, weights, known, base)
    tuned = _tuned_towers(weights, known)
    # published training rounds the embedded class texts to half precision
    weights[_TOKEN_EMBEDDING] = known[_TOKEN_EMBEDDING].half().float()
    names: tuple[str, ...] | None = ()
    if names_embedded is not None:
        names = class_names_of(names_embedded, weights[_TOKEN_EMBEDDING], _template(checkpoint))
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


def read_published_checkpoint(path: Path) -> PublishedCheckpoint:
    """Read a checkpoint; nothing that it holds is run.

    Raises:
        InvalidInput: it holds learned prompts.
        ModelUnavailable: it is damaged, refused, or no checkpoint of ViFi-CLIP.
    """
    if path.suffix == ".safetensors":
        content: object = read_weights(path)
    else:
        content = read_pickled(path)
    weights = weights_by_name(path, content)
    if not any(name.startswith("image_encoder.") for name in weights):
        raise ModelUnavailable(
            f"{path} is no checkpoint of ViFi-CLIP: no weight of it is named image_encoder.*; "
            "what is named as in OpenAI's CLIP can be used as --model as it is"
        )
    _refuse_prompts(path, weights)
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
        # by dict's own method: a configuration from a file might bring a `get` of its own
        config = dict.get(config, key) if isinstance(config, dict) else None
    return config


def _plain(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _refuse_prompts(path: Path, weights: Mapping[str, Tensor]) -> None:
    found = []
    for tower, first in (("text", "prompt_learner.ctx"), ("image", "image_encoder.VPT")):
        deeper = [name for name in weights if name.startswith(f"{tower}_encoder.") and "VPT_" in name]
        if first in weights:
            found.append(f"{len(weights[first])} to the {tower} tower in {1 + len(deeper)} layers")
        elif deeper:
            found.append(f"some to the {tower} tower in {len(deeper)} layers")
    if found:
        raise InvalidInput(
            f"{path} was tuned by learned prompts ({', '.join(found)}), which vifi cannot import yet: "
            "take a checkpoint that was fine-tuned without them"
        )


def _own_name(name: str) -> str:
    for published, own in (("image_encoder.", "visual."), ("text_encoder.", "text.")):
        if name.startswith(published):
            return own + name.removeprefix(published)
    return name


def _published_name(name: str) -> str:
    for published, own in (("image_encoder.", "visual."), ("text_encoder.", "text.")):
        if name.startswith(own):
            return published + name.removeprefix(own)
    return name


def _openai_name(name: str) -> str:
    return _own_name(name).removeprefix("text.")


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
            f"{checkpoint.path} is the wrong checkpoint for the backbone {base}: {_published_name(name)} is "
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


def _in_words(shapes: Mapping[str, tuple[int, ...]]) -> str:
    text_width = shapes.get("positional_embedding", (0, 0))[-1]
    try:
        config = architecture_of_shapes(
            {**shapes, "token_embedding.weight": (0, text_width)}, quick_gelu=True
        )
    except (KeyError, IndexError, ValueError):
        return "no CLIP that vifi knows"
    vision, text = config["vision_cfg"], config["text_cfg"]
    kind = "a ResNet"
    if vision["patch_size"]:
        kind = f"{_SIZES.get((vision['width'], vision['layers']), 'a ViT')}/{vision['patch_size']}"
    return (
        f"{kind} (image tower: {vision['layers']} layers, {vision['width']} wide, {vision['image_size']} pixels; "
        f"text tower: {text['layers']} layers, {text['width']} wide; embeddings of {config['embed_dim']})"
    )
