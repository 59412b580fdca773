"""Infers a CLIP's architecture from the shapes of its weights, in the naming that OpenAI and open_clip share.

After `build_model` of OpenAI's clip/model.py. The weights do not show two things: how many heads attention has (64 wide
in OpenAI's models), and whether the transformers were trained with plain GELU or with OpenAI's approximation of it,
`x * sigmoid(1.702 x)`. `released.py` looks them up.
"""

import math
from collections.abc import Mapping
from typing import Any

_HEAD_WIDTH = 64


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
    grid = _side(shapes["visual.positional_embedding"][0] - 1)
    layers = _layers(shapes, "visual.transformer.resblocks.")
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
    grid = _side(shapes["visual.attnpool.positional_embedding"][0] - 1)
    return {
        "image_size": grid * 32,
        "layers": [len(stage) for stage in stages],
        "width": shapes["visual.layer1.0.conv1.weight"][0],
        "patch_size": None,
    }


def _side(places: int) -> int:
    if math.isqrt(places) ** 2 != places:
        raise ValueError(f"{places} positions of patches do not make a square")
    return math.isqrt(places)


def _text(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    vocabulary, width = shapes["token_embedding.weight"]
    return {
        "context_length": shapes["positional_embedding"][0],
        "vocab_size": vocabulary,
        "width": width,
        "heads": max(1, width // _HEAD_WIDTH),
        "layers": _layers(shapes, "transformer.resblocks."),
    }


def _layers(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    layers = {name.removeprefix(prefix).partition(".")[0] for name in shapes if name.startswith(prefix)}
    if not layers:
        raise KeyError(f"{prefix}0")
    return len(layers)
