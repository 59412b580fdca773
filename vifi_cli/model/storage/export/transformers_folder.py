"""Writes folders that `CLIPModel.from_pretrained` or `SiglipModel.from_pretrained` of transformers loads.

The configuration states what differs from transformers' defaults; weights get the names that they have there.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.architectures.transformers_folder.clip import CLIP_VOCABULARY, clip_weights
from vifi_cli.model.architectures.transformers_folder.siglip import siglip_weights
from vifi_cli.model.architectures.transformers_folder.weight_names import WeightNames
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.registry.model_files import CARD_FILE
from vifi_cli.model.storage.export.model_card import write_readme
from vifi_cli.model.storage.export.tokenizer_files import write_tokenizer
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.weights.weights_file import save_weights

Kind = Literal["clip", "siglip"]
_CLASSES = {"clip": "CLIP", "siglip": "Siglip"}
_INSTEAD = "export it with --format open_clip"
# what may differ from open_clip's defaults in the towers that transformers has a class for
_CLIP_VISION = {"image_size", "layers", "width", "head_width", "patch_size", "mlp_ratio"}
_CLIP_TEXT = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "pool_type", "eos_id"}
_SIGLIP_TEXT = _CLIP_TEXT - {"eos_id"} | {"no_causal_mask", "proj_bias", "norm_kwargs", "act_kwargs"}
_TOKENIZER = {"hf_tokenizer_name", "tokenizer_kwargs", "tokenizer_mode"}
_PILLOW = {"bilinear": 2, "bicubic": 3}
_ARGMAX_END = 2  # transformers then takes the highest token for the end of a text


@dataclass(frozen=True, slots=True)
class _Described:
    """A model in the words of transformers."""

    kind: Kind
    config: Mapping[str, Any]
    weights: Iterator[WeightNames]


def write_transformers_folder(folder: Path, model: LoadedModel) -> None:
    """Fill an empty folder for `from_pretrained`, with tokenizer, processor and a README that shows how to use it.

    Raises InvalidInput if transformers has no class for the model; the text names what has.
    """
    described = _describe(model)
    state = {
        name.removeprefix("text."): tensor.detach().cpu()
        for name, tensor in model.network.state_dict().items()
    }
    if described.kind == "siglip":
        state |= {name: state.get(name, torch.zeros(())).reshape(1) for name in ("logit_scale", "logit_bias")}
    weights = {name: tensor for each in described.weights for name, tensor in each.to_theirs(state).items()}
    save_weights(
        {name: tensor.contiguous() for name, tensor in weights.items()}, folder / "model.safetensors"
    )
    numbers = write_tokenizer(folder, model)
    text = numbers | described.config["text_config"]
    write_json(folder / CARD_FILE, {**described.config, "text_config": text})
    _write_processor(folder, described.kind, model.card.preprocessing)
    write_readme(folder, model, _CLASSES[described.kind])


def _describe(model: LoadedModel) -> _Described:
    config = model.card.architecture
    if model.card.prompts:
        raise InvalidInput("transformers has no place for learned prompts: export their base")
    if model.card.head:
        raise InvalidInput("transformers has no place for the classifier of this model: export its base")
    if isinstance(config, str):
        raise InvalidInput(f"transformers has no class for {config}: use it with vifi_cli.load_model")
    vision, text = config["vision_cfg"], config["text_cfg"]
    timm = str(vision.get("timm_model_name", ""))
    if "siglip" in timm and "_gap_" not in timm and vision.get("timm_pool") == "map":
        return _siglip(model, config)
    if (
        timm
        or "hf_model_name" in text
        or isinstance(vision.get("layers"), list)
        or "multimodal_cfg" in config
    ):
        tower = timm or text.get("hf_model_name") or ("a CoCa" if "multimodal_cfg" in config else "a ResNet")
        raise InvalidInput(f"transformers has no class for this model ({tower}): {_INSTEAD}")
    return _clip(model, config)


def _clip(model: LoadedModel, config: Mapping[str, Any]) -> _Described:
    from open_clip.model import CLIPTextCfg, CLIPVisionCfg

    vision, text = CLIPVisionCfg(**config["vision_cfg"]), CLIPTextCfg(**config["text_cfg"])
    _require_known(vision, CLIPVisionCfg(), _CLIP_VISION)
    _require_known(text, CLIPTextCfg(), _CLIP_TEXT)
    activation = "quick_gelu" if config.get("quick_gelu") else "gelu"
    width = int(vision.width)
    towers = {
        "vision_config": {
            **_tower(
                "clip_vision_model", width, int(vision.layers), width // vision.head_width, vision.mlp_ratio
            ),
            "image_size": _side(model.card.preprocessing),
            "patch_size": vision.patch_size,
            "projection_dim": config["embed_dim"],
            "hidden_act": activation,
            "layer_norm_eps": 1e-5,
        },
        "text_config": {
            **_tower("clip_text_model", text.width, text.layers, text.heads, text.mlp_ratio),
            "max_position_embeddings": text.context_length,
            "vocab_size": text.vocab_size,
            "projection_dim": config["embed_dim"],
            "eos_token_id": _end(text),
            "hidden_act": activation,
            "layer_norm_eps": 1e-5,
        },
    }
    written = {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": config["embed_dim"],
        "logit_scale_init_value": model.network.logit_scale.item(),
        "torch_dtype": "float32",
        **towers,
    }
    return _Described("clip", written, clip_weights(int(vision.layers), text.layers))


def _end(text: Any) -> int:
    if text.pool_type == "eos":
        return int(text.eos_id)
    if text.pool_type != "argmax":
        raise InvalidInput(f"transformers has no text tower that pools by {text.pool_type}: {_INSTEAD}")
    return CLIP_VOCABULARY - 1 if text.vocab_size == CLIP_VOCABULARY else _ARGMAX_END


def _siglip(model: LoadedModel, config: Mapping[str, Any]) -> _Described:
    from open_clip.model import CLIPTextCfg

    text = CLIPTextCfg(**config["text_cfg"])
    _require_known(text, CLIPTextCfg(), _SIGLIP_TEXT)
    trunk: Any = model.network.visual.trunk
    block = trunk.blocks[0]
    vision = {
        **_tower("siglip_vision_model", trunk.embed_dim, len(trunk.blocks), block.attn.num_heads, 0),
        "intermediate_size": block.mlp.fc1.out_features,
        "image_size": _side(model.card.preprocessing),
        "patch_size": trunk.patch_embed.patch_size[0],
        "hidden_act": _gelu_of(block.mlp.act),
        "layer_norm_eps": 1e-6,
    }
    words = {
        **_tower("siglip_text_model", text.width, text.layers, text.heads, text.mlp_ratio),
        "max_position_embeddings": text.context_length,
        "vocab_size": text.vocab_size,
        "projection_size": config["embed_dim"],
        "hidden_act": "gelu_pytorch_tanh" if text.act_kwargs else "gelu",
        "layer_norm_eps": 1e-6,
    }
    written = {
        "architectures": ["SiglipModel"],
        "model_type": "siglip",
        "torch_dtype": "float32",
        "vision_config": vision,
        "text_config": words,
    }
    return _Described("siglip", written, siglip_weights(len(trunk.blocks), text.layers))


def _gelu_of(activation: nn.Module) -> str:
    is_approximate = (
        type(activation).__name__ == "GELUTanh" or getattr(activation, "approximate", "none") == "tanh"
    )
    return "gelu_pytorch_tanh" if is_approximate else "gelu"


def _tower(kind: str, width: int, layers: int, heads: int, ratio: float) -> dict[str, Any]:
    return {
        "model_type": kind,
        "hidden_size": width,
        "intermediate_size": int(width * ratio),
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }


def _require_known(settings: Any, default: Any, allowed: set[str]) -> None:
    """Refuse settings of open_clip that the classes of transformers do not have."""
    usual = asdict(default)
    others = {name for name, value in asdict(settings).items() if value != usual[name]}
    if unknown := sorted(others - allowed - _TOKENIZER - {"output_tokens"}):
        raise InvalidInput(f"transformers has no class for a CLIP with {', '.join(unknown)}: {_INSTEAD}")


def _side(preprocessing: Preprocessing) -> int:
    geometry = preprocessing.geometry
    if geometry.height != geometry.width or geometry.resize == "longest":
        raise InvalidInput(
            f"transformers has no processor for pictures of {geometry.height} x {geometry.width}, "
            f"resized by {geometry.resize}: {_INSTEAD}"
        )
    return geometry.height


def _write_processor(folder: Path, kind: Kind, preprocessing: Preprocessing) -> None:
    side = _side(preprocessing)
    square = {"height": side, "width": side}
    is_squashed = preprocessing.geometry.resize == "squash"
    crop = {} if is_squashed else {"crop_size": square}
    content = {
        "image_processor_type": f"{'Siglip' if kind == 'siglip' and is_squashed else 'CLIP'}ImageProcessor",
        "processor_class": f"{_CLASSES[kind]}Processor",
        "do_resize": True,
        "size": square if is_squashed else {"shortest_edge": side},
        "resample": _PILLOW[preprocessing.geometry.interpolation],
        "do_center_crop": not is_squashed,
        **crop,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": preprocessing.mean,
        "image_std": preprocessing.std,
        "do_convert_rgb": True,
    }
    write_json(folder / "preprocessor_config.json", content)
    write_json(folder / "processor_config.json", {"processor_class": f"{_CLASSES[kind]}Processor"})


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write a configuration."""
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
