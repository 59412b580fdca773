"""Reads CLIPs as the package transformers saves them: `config.json`, weights in one file or several, preprocessing.

The configuration says what bare weights do not: heads and activation. The defaults are those of transformers'
`CLIPTextConfig` and `CLIPVisionConfig`, which the files omit. Weights get the names and the form that open_clip has:
query, key and value in one matrix, projections transposed.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.model_files import CARD_FILE, TRANSFORMERS_WEIGHTS
from vifi_cli.model.weights.weights_file import read_weights

_VISION_DEFAULTS = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 32,
}
_TEXT_DEFAULTS = {
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "vocab_size": 49408,
}
_ACTIVATION, _EPSILON, _DIMENSION = "quick_gelu", 1e-5, 512
_CLIP_VOCABULARY = 49408
_RESAMPLING = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
_SCALE = "logit_scale"
_OUTSIDE_BLOCKS = {
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm": "visual.ln_pre",  # transformers spells it so
    "vision_model.post_layernorm": "visual.ln_post",
    "visual_projection.weight": "visual.proj",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
    "text_projection.weight": "text_projection",
    _SCALE: _SCALE,
}
_IN_BLOCKS = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_BLOCK = re.compile(r"(vision|text)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_ATTENTION = re.compile(r"self_attn\.([qkv])_proj")
_TRANSPOSED = ("visual.proj", "text_projection")
_POSITION_IDS = ".position_ids"  # which older releases saved


def read_transformers_configuration(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """open_clip's `model_cfg` and preprocessing for a folder of transformers.

    Raises InvalidInput if it is not a CLIPModel that open_clip could run too, or its files make no sense.
    """
    file = folder / CARD_FILE
    content = _json(file)
    kind = content.get("model_type")
    if kind != "clip":
        raise InvalidInput(
            f"{folder} holds a model of transformers of the type {kind!r}, and vifi reads its CLIPModel alone: "
            "look for the same model in open_clip with `vifi model list`"
        )
    try:
        vision = _VISION_DEFAULTS | _part(content, "vision_config")
        text = _TEXT_DEFAULTS | _part(content, "text_config")
        config = _model_cfg(folder, content, vision, text)
        return config, _preprocessing(folder / "preprocessor_config.json", vision["image_size"])
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        raise InvalidInput(f"{file} is not a configuration of transformers' CLIPModel ({error})") from error


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{file} cannot be read as JSON: copy the folder again") from error
    if not isinstance(content, dict):
        raise InvalidInput(f"{file} is not a configuration: copy the folder again")
    return content


def _part(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The settings of a tower; older files have them a second time, under another name, which counts."""
    return {**(content.get(name) or {}), **(content.get(f"{name}_dict") or {})}


def _model_cfg(
    folder: Path, content: Mapping[str, Any], vision: Mapping[str, Any], text: Mapping[str, Any]
) -> dict[str, Any]:
    activations = {part.get("hidden_act", _ACTIVATION) for part in (vision, text)}
    epsilons = {part.get("layer_norm_eps", _EPSILON) for part in (vision, text)}
    if not activations <= {"quick_gelu", "gelu"} or len(activations) > 1 or epsilons != {_EPSILON}:
        raise InvalidInput(
            f"{folder} has activations or layer norms that open_clip does not ({', '.join(sorted(activations))}; "
            f"epsilon {', '.join(map(str, sorted(epsilons)))}): vifi cannot run it"
        )
    if text["vocab_size"] != _CLIP_VOCABULARY:
        raise InvalidInput(
            f"{folder} has another tokenizer than CLIP ({text['vocab_size']} tokens): vifi cannot run it"
        )
    return {
        "embed_dim": content.get("projection_dim", _DIMENSION),
        "quick_gelu": activations == {"quick_gelu"},
        "vision_cfg": {
            "image_size": vision["image_size"],
            "layers": vision["num_hidden_layers"],
            "width": vision["hidden_size"],
            "head_width": vision["hidden_size"] // vision["num_attention_heads"],
            "patch_size": vision["patch_size"],
        }
        | _mlp_ratio(vision),
        "text_cfg": {
            "context_length": text["max_position_embeddings"],
            "vocab_size": text["vocab_size"],
            "width": text["hidden_size"],
            "heads": text["num_attention_heads"],
            "layers": text["num_hidden_layers"],
        }
        | _mlp_ratio(text),
    }


def _mlp_ratio(tower: Mapping[str, Any]) -> dict[str, float]:
    """How much wider the feed-forward part is, where that is not open_clip's 4."""
    ratio = tower["intermediate_size"] / tower["hidden_size"]
    return {} if ratio == 4 else {"mlp_ratio": ratio}


def _preprocessing(file: Path, image_size: int) -> dict[str, Any]:
    if not file.is_file():
        return {}
    content = _json(file)
    crop, size = content.get("crop_size", image_size), content.get("size", image_size)
    is_squashed = isinstance(size, dict) and "height" in size
    side = crop.get("height") if isinstance(crop, dict) else crop
    if content.get("do_center_crop", True) and side != image_size:
        raise InvalidInput(
            f"{file} crops pictures to {side} pixels, and the model takes {image_size}: correct it"
        )
    number = content.get("resample", 3)
    statistics = {
        ours: content.get(theirs) for ours, theirs in (("mean", "image_mean"), ("std", "image_std"))
    }
    return {
        "interpolation": _RESAMPLING.get(number, str(number)),
        "resize_mode": "squash" if is_squashed else "shortest",
        **{name: tuple(values) for name, values in statistics.items() if values},
    }


def read_transformers_weights(folder: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """The weights whose names in open_clip are `wanted`, from one file or from the parts that an index lists.

    Raises ModelUnavailable if a file is missing or damaged, or holds weights that a CLIPModel does not have.
    """
    found: dict[str, Tensor] = {}
    for file in weight_files(folder):
        found |= read_weights(
            file,
            lambda name: not name.endswith(_POSITION_IDS) and wanted(_open_clip_name(name)),
            or_none=True,
        )
    stacked: dict[str, dict[str, Tensor]] = {}
    weights: dict[str, Tensor] = {}
    for name, tensor in found.items():
        ours = _open_clip_name(name)
        if part := _ATTENTION.search(name):
            stacked.setdefault(ours, {})[part[1]] = tensor
        else:
            weights[ours] = tensor.T if ours in _TRANSPOSED else tensor
    for name, parts in stacked.items():
        if len(parts) == 3:  # otherwise it is missing, which the tower reports
            weights[name] = torch.cat([parts[letter] for letter in "qkv"])
    return weights


def weight_files(folder: Path) -> Iterable[Path]:
    """The file of weights, or the parts of it; ModelUnavailable if one is missing."""
    whole = next((folder / name for name in TRANSFORMERS_WEIGHTS if (folder / name).is_file()), None)
    if whole is None:
        raise ModelUnavailable(
            f"{folder} holds no weights ({TRANSFORMERS_WEIGHTS[0]}): copy the complete folder"
        )
    if whole.suffix != ".json":
        return [whole]
    parts = _json(whole).get("weight_map")
    names = sorted(set(parts.values())) if isinstance(parts, dict) else []
    missing = [
        name for name in names if not isinstance(name, str) or not (folder / Path(name).name).is_file()
    ]
    if missing or not names:
        raise ModelUnavailable(
            f"{whole} lists {missing[0] if missing else 'nothing'}, which is not beside it"
        )
    return [folder / Path(name).name for name in names]


def _open_clip_name(name: str) -> str:
    """What open_clip calls a weight; its own name where a CLIPModel has no such weight."""
    if name in _OUTSIDE_BLOCKS:
        return _OUTSIDE_BLOCKS[name]
    stem, _, kind = name.rpartition(".")
    if stem in _OUTSIDE_BLOCKS:
        return f"{_OUTSIDE_BLOCKS[stem]}.{kind}"
    if not (match := _BLOCK.fullmatch(name)):
        return name
    tower, layer, part, kind = match.groups()
    block = f"{'visual.' if tower == 'vision' else ''}transformer.resblocks.{layer}"
    if _ATTENTION.fullmatch(part):
        return f"{block}.attn.in_proj_{kind}"
    return f"{block}.{_IN_BLOCKS.get(part, part)}.{kind}"
