"""Writes folders for `open_clip.create_model("local-dir:…")`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.registry.model_files import OPEN_CLIP_CONFIGURATION
from vifi_cli.model.storage.export.tokenizer_files import write_tokenizer
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.towers.image_tower import TIMM_OPTIONS
from vifi_cli.model.weights.weights_file import save_weights


def write_open_clip_folder(folder: Path, model: LoadedModel) -> None:
    """Fill an empty folder for `open_clip.create_model("local-dir:…")`, without template and class names.

    Raises InvalidInput if open_clip does not know the architecture, or has no place for its prompts or decoder.
    """
    config = model.card.architecture
    if model.card.prompts:
        raise InvalidInput("open_clip has no place for learned prompts: only their base can be exported")
    if model.card.head:
        raise InvalidInput("open_clip has no place for the classifier of this model: export its base")
    if isinstance(config, str):
        raise InvalidInput(
            f"open_clip does not know the architecture {config}: only models with a CLIP of open_clip can be exported"
        )
    if "multimodal_cfg" in config:
        raise InvalidInput(
            "this model is a CoCa, whose text decoder vifi does not keep: it cannot be exported"
        )
    config = _for_open_clip(model, config)
    if model.network.tokenizer_json:
        write_tokenizer(folder, model)
    weights = _renamed(model.network.state_dict(), config)
    save_weights(weights, folder / "open_clip_model.safetensors")
    content = {"model_cfg": config, "preprocess_cfg": _preprocess_cfg(model.card.preprocessing)}
    (folder / OPEN_CLIP_CONFIGURATION).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _for_open_clip(model: LoadedModel, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration without what open_clip cannot pass on, and with the tokenizer from the folder."""
    vision, text = dict(config["vision_cfg"]), dict(config["text_cfg"])
    if vision.pop(TIMM_OPTIONS, None):
        vision["timm_model_name"] = _named_by_timm(model.network.visual, vision)
    if model.network.tokenizer_json:
        text["hf_tokenizer_name"] = "."  # any name: open_clip then reads the folder itself
    return {**config, "vision_cfg": vision, "text_cfg": text}


def _named_by_timm(tower: nn.Module, vision: Mapping[str, Any]) -> str:
    """The name that timm has for a tower of these weights; InvalidInput if there is none."""
    import timm

    trunk: Any = tower.trunk
    wanted = {name: tensor.shape for name, tensor in trunk.state_dict().items()}
    size, patch = vision["image_size"], trunk.patch_embed.patch_size[0]
    for name in timm.list_models(f"vit_*_patch{patch}_siglip_{size}"):
        if "_gap_" in name:
            continue
        with torch.device("meta"):
            known = timm.create_model(name, num_classes=0)
        if {name: tensor.shape for name, tensor in known.state_dict().items()} == wanted:
            return str(name)
    raise InvalidInput(
        f"open_clip does not know an image tower of this form ({trunk.embed_dim} wide, {len(trunk.blocks)} layers, "
        f"patches of {patch}, {size} pixels): export it with --format transformers"
    )


def _renamed(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Names as in the class that open_clip chooses: `CustomTextCLIP` keeps `text.`, `CLIP` does not."""
    keeps_text = bool(config.get("custom_text") or "hf_model_name" in config["text_cfg"])
    return {
        name if keeps_text else name.removeprefix("text."): tensor.detach().cpu().contiguous()
        for name, tensor in weights.items()
        if name != "logit_bias" or config.get("init_logit_bias") is not None
    }


def _preprocess_cfg(preprocessing: Preprocessing) -> dict[str, Any]:
    geometry = preprocessing.geometry
    return {
        "size": [geometry.height, geometry.width],
        "mode": "RGB",
        "mean": preprocessing.mean,
        "std": preprocessing.std,
        "interpolation": geometry.interpolation,
        "resize_mode": geometry.resize,
        "fill_color": geometry.fill,
    }
