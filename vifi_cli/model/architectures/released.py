"""Looks up the architecture of weights among those that open_clip knows, by the names and shapes of all weights.

Shapes do not show everything: ViT-H/14 has heads 80 wide where OpenAI's are 64, and models with quick GELU have twins
with plain GELU. So the configuration that fits is taken as it is.
"""

import json
import math
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import torch

from vifi_cli.model.torchvision_operators import declare_missing_operators

Shapes = Mapping[str, tuple[int, ...]]
# what stands beside the towers, by the first part of its name: temperature, OpenAI's facts, a CoCa's decoder, and heads
# and losses of a training program
_BESIDE_TOWERS = {
    "logit_scale",
    "logit_bias",
    "input_resolution",
    "context_length",
    "vocab_size",
    "text_decoder",
}
_BESIDE_TOWERS |= {"classifier", "head", "fc", "criterion", "loss", "loss_fn", "n_averaged"}


def fitting_architectures(towers: Shapes) -> list[str]:
    """The names that open_clip has for architectures whose towers have weights of these names and shapes.

    Those with the same picture size come alone, where there are any: other sizes change only the number of positions.
    """
    fitting = {}
    for name in _alike(towers):
        own = config_of(name)
        config = resized(own, towers)
        if shapes_of(config) == towers:
            fitting[name] = config == own
    return [name for name, has_same_size in fitting.items() if has_same_size] or list(fitting)


def config_of(name: str) -> dict[str, Any]:
    """open_clip's `model_cfg` of an architecture that it knows."""
    declare_missing_operators()
    import open_clip

    config: dict[str, Any] = open_clip.get_model_config(name)
    return config


def without_gelu(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what quick and plain GELU differ in, to compare it."""
    return {key: value for key, value in config.items() if key != "quick_gelu"}


def resized(config: Mapping[str, Any], shapes: Shapes) -> dict[str, Any]:
    """A configuration for the number of positions that weights have, of patches and of tokens."""
    vision, text = dict(config["vision_cfg"]), dict(config["text_cfg"])
    if size := _image_size(vision, shapes):
        vision["image_size"] = size
    if "positional_embedding" in shapes and "hf_model_name" not in text:
        embeds_class = int(bool(text.get("embed_cls")))
        text["context_length"] = shapes["positional_embedding"][0] - embeds_class
    return {**config, "vision_cfg": vision, "text_cfg": text}


def _image_size(vision: Mapping[str, Any], shapes: Shapes) -> int | None:
    if places := shapes.get("visual.attnpool.positional_embedding"):
        return math.isqrt(places[0] - 1) * 32
    if (places := shapes.get("visual.positional_embedding")) and vision.get("patch_size"):
        return math.isqrt(places[0] - 1) * int(vision["patch_size"])
    return None  # timm's towers have their size in their names


def of_towers(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The shapes of both towers alone, named as in `open_clip.CLIP`."""
    return {
        name.removeprefix("text."): shape
        for name, shape in shapes.items()
        if is_of_a_tower(name) and not name.endswith(".position_ids")
    }


def is_of_a_tower(name: str) -> bool:
    """Whether a weight belongs to a tower, by its name in `open_clip.CLIP`."""
    return name.partition(".")[0] not in _BESIDE_TOWERS


def _alike(shapes: Shapes) -> Iterator[str]:
    """Architectures with a text tower of this width and depth, equal embeddings, and the same kind of image tower."""
    declare_missing_operators()
    import open_clip

    vocabulary, width = shapes["token_embedding.weight"]
    projection = shapes.get("text_projection") or shapes.get("text_projection.weight", (0, 0))[::-1]
    depth = len({name.split(".")[2] for name in shapes if name.startswith("transformer.resblocks.")})
    is_timm = any(name.startswith("visual.trunk.") for name in shapes)
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        text = config["text_cfg"]
        size = (
            text.get("vocab_size", 49408),
            text.get("width", 512),
            text.get("layers", 12),
            config["embed_dim"],
        )
        has_same_text = size == (vocabulary, width, depth, projection[1]) and "hf_model_name" not in text
        if has_same_text and is_timm == ("timm_model_name" in config["vision_cfg"]):
            yield name


def shapes_of(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the weights of both towers, without making any."""
    return _shapes_of(json.dumps(without_gelu(config), sort_keys=True))


@lru_cache(maxsize=64)
def _shapes_of(description: str) -> dict[str, tuple[int, ...]]:
    from open_clip.model import _build_text_tower, _build_vision_tower

    config = json.loads(description)
    vision = config["vision_cfg"]
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    with torch.device("meta"):
        visual = _build_vision_tower(config["embed_dim"], vision, False, None)
        text = _build_text_tower(config["embed_dim"], config["text_cfg"], False, None)
    shapes = {f"visual.{name}": tuple(tensor.shape) for name, tensor in visual.state_dict().items()}
    return shapes | {name: tuple(tensor.shape) for name, tensor in text.state_dict().items()}


@cache
def narrowest_image_tower() -> int:
    """The width of the narrowest vision transformer of CLIP's form that open_clip knows."""
    import open_clip

    towers = (open_clip.get_model_config(name)["vision_cfg"] for name in open_clip.list_models())
    return min(int(tower["width"]) for tower in towers if isinstance(tower.get("layers"), int))


def released_preprocessing(name: str) -> dict[str, Any] | None:
    """How the released weights of an architecture normalize pictures; None if they differ, empty for OpenAI's."""
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if "openai" in tags:
        return {}
    found = [_normalization(open_clip.get_pretrained_cfg(name, tag)) for tag in tags]
    return None if any(one != found[0] for one in found) else next(iter(found), {})


def _normalization(tag: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tag[key] for key in ("mean", "std", "interpolation", "resize_mode") if key in tag}


def is_of_openai(name: str) -> bool:
    """Whether OpenAI released weights of this architecture, all of which have quick GELU."""
    import open_clip

    return "openai" in open_clip.list_pretrained_tags_by_model(name)
