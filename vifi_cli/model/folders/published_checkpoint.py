"""Reads checkpoints of the published ViFi-CLIP code.

The published `utils/tools.py` saves the weights beside the optimizer and the configuration. Weights are named
`image_encoder.*`, `text_encoder.*` and `logit_scale`; the token embedding, never trained, is not among them, so
it comes from the CLIP that training began with (`trainers/vificlip.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.registry.restricted_pickle import read_pickled
from vifi_cli.model.registry.weights_file import read_weights, weights_by_name
from vifi_cli.model.towers.openai_naming import architecture_of_shapes

_PREFIXES = (("image_encoder.", "visual."), ("text_encoder.", "text."))
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
        weights: by their published names, without `module.`, learned prompts among them.
        facts: what it says of its training, in words; empty where it holds weights alone.
    """

    path: Path
    weights: Mapping[str, Tensor]
    facts: Mapping[str, str]

    @property
    def looks_like(self) -> str:
        """The architecture in words, read off the weights' shapes."""
        return _in_words({_openai_name(name): tuple(t.shape) for name, t in self.weights.items()})


def read_published_checkpoint(path: Path) -> PublishedCheckpoint:
    """Read a checkpoint; nothing that it holds is run.

    Raises:
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


def own_name(name: str) -> str:
    """What a `ViFiCLIP` calls a weight of a published checkpoint."""
    for published, own in _PREFIXES:
        if name.startswith(published):
            return own + name.removeprefix(published)
    return name


def published_name(name: str) -> str:
    """What a published checkpoint calls a weight of a `ViFiCLIP`."""
    for published, own in _PREFIXES:
        if name.startswith(own):
            return published + name.removeprefix(own)
    return name


def _openai_name(name: str) -> str:
    return own_name(name).removeprefix("text.")


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
