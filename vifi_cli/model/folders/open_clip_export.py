"""Writes models as folders of open_clip, for every program that loads `local-dir:` models."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.model.folders.loading import LoadedModel
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.registry.model_files import OPEN_CLIP_CONFIGURATION
from vifi_cli.model.weights.weights_file import save_weights

_WEIGHTS = "open_clip_model.safetensors"


def write_open_clip_folder(folder: Path, model: LoadedModel) -> None:
    """Fill an empty folder for `open_clip.create_model("local-dir:…")`, without template and class names.

    Raises:
        InvalidInput: open_clip does not know the architecture, or has no place for its prompts or decoder.
        OSError: the folder cannot be written.
    """
    config = model.card.architecture
    if model.card.prompts:
        raise InvalidInput("open_clip has no place for learned prompts: only their base can be exported")
    if isinstance(config, str):
        raise InvalidInput(
            f"open_clip does not know the architecture {config}: only models with a CLIP of open_clip can be exported"
        )
    if "multimodal_cfg" in config:
        raise InvalidInput(
            "this model is a CoCa, whose text decoder vifi does not keep: it cannot be exported"
        )
    weights = _renamed(model.network.state_dict(), config)
    save_weights(weights, folder / _WEIGHTS)
    content = {"model_cfg": config, "preprocess_cfg": _preprocess_cfg(model.card.preprocessing)}
    (folder / OPEN_CLIP_CONFIGURATION).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


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
