"""Infers a CLIP's architecture from the shapes of its weights, in the naming that OpenAI and open_clip share.

After `build_model` of OpenAI's clip/model.py. The weights do not show one thing: whether the transformers were trained
with plain GELU or with OpenAI's approximation of it, `x * sigmoid(1.702 x)`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.weights.weights_file import read_weights

_HEAD_WIDTH = 64


def infer_architecture(weights: Path, *, quick_gelu: bool) -> dict[str, Any]:
    """Infer open_clip's `model_cfg` for a weights file; ModelUnavailable if its weights are named in another way."""
    shapes = {name: tuple(tensor.shape) for name, tensor in read_weights(weights).items()}
    if any(name.startswith("image_encoder.") for name in shapes):
        raise ModelUnavailable(
            f"{weights} is a checkpoint of ViFi-CLIP: make it a model folder with "
            f"`vifi model import {weights} --output FOLDER`"
        )
    try:
        return architecture_of_shapes(shapes, quick_gelu=quick_gelu)
    except (KeyError, IndexError, ValueError) as error:
        raise ModelUnavailable(
            f"{weights} does not name its weights as OpenAI's CLIP does ({error} is missing); "
            "give a folder with open_clip_config.json"
        ) from error


def architecture_of_shapes(shapes: Mapping[str, tuple[int, ...]], *, quick_gelu: bool) -> dict[str, Any]:
    """Infer open_clip's `model_cfg` for weights of these shapes.

    Raises KeyError, IndexError or ValueError if they are not named or shaped as OpenAI's CLIP has them.
    """
    return {
        "embed_dim": shapes["text_projection"][1],
        "quick_gelu": quick_gelu,
        "vision_cfg": _vision(shapes),
        "text_cfg": _text(shapes),
    }


def _vision(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    if "visual.proj" not in shapes:
        return _residual_vision(shapes)
    width, _, _, patch = shapes["visual.conv1.weight"]
    grid = round((shapes["visual.positional_embedding"][0] - 1) ** 0.5)
    layers = sum(name.startswith("visual.") and name.endswith(".attn.in_proj_weight") for name in shapes)
    return {
        "image_size": patch * grid,
        "layers": layers,
        "width": width,
        "head_width": _HEAD_WIDTH,
        "patch_size": patch,
    }


def _residual_vision(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    stages = [
        {name.split(".")[2] for name in shapes if name.startswith(f"visual.layer{i}.")} for i in (1, 2, 3, 4)
    ]
    grid = round((shapes["visual.attnpool.positional_embedding"][0] - 1) ** 0.5)
    return {
        "image_size": grid * 32,
        "layers": [len(stage) for stage in stages],
        "width": shapes["visual.layer1.0.conv1.weight"][0],
        "patch_size": None,
    }


def _text(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    vocabulary, width = shapes["token_embedding.weight"]
    blocks = {name.split(".")[2] for name in shapes if name.startswith("transformer.resblocks.")}
    return {
        "context_length": shapes["positional_embedding"][0],
        "vocab_size": vocabulary,
        "width": width,
        "heads": max(1, width // _HEAD_WIDTH),
        "layers": len(blocks),
    }
