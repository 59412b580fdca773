"""Loads open_clip's models for the index."""

from typing import TYPE_CHECKING

from vifi_cli.model.device import choose_device
from vifi_cli.model.fingerprint import fingerprint_of_weights
from vifi_cli.model.hub import cached_weights
from vifi_cli.model.model_source import ModelSource
from vifi_cli.model.open_clip_towers import (
    OpenClipModel,
    describe_model,
    load_image_tower,
    load_text_tower,
    load_tokenizer,
)
from vifi_cli.model.runtime import frames_runtime
from vifi_cli.model.torch_runtime import PixelTower, TorchTexts
from vifi_cli.model.vifi_encoder import TextEncoder, ViFiEncoder

if TYPE_CHECKING:
    import torch


def load_open_clip(source: ModelSource, device: str) -> ViFiEncoder:
    """Load both sides; see `encoder.load_encoder`."""
    chosen = choose_device(device)
    model = describe_model(source, cached_weights(source))
    visual = load_image_tower(model)
    fingerprint = fingerprint_of_weights(
        {
            "dimension": model.dimension,
            "quick_gelu": model.quick_gelu,
            "vision": model.config["vision_cfg"],
            "preprocessing": model.preprocessing.as_dict(),
        },
        visual.state_dict(),
    )
    geometry = model.preprocessing.geometry
    frames = frames_runtime(PixelTower(visual, model.preprocessing), geometry, chosen, fingerprint)
    description = frames.description
    if source.kind == "file" and source.activation is None:
        description += (
            "; quick GELU taken for granted: append #gelu to the file's name if it was trained with GELU"
        )
    return ViFiEncoder(_text_side(model, chosen), fingerprint, geometry, description, frames)


def load_open_clip_text(source: ModelSource, device: str) -> TextEncoder:
    """Load the text side alone; see `encoder.load_text_encoder`."""
    return _text_side(describe_model(source, cached_weights(source)), choose_device(device))


def _text_side(model: OpenClipModel, device: "torch.device") -> TextEncoder:
    tower = load_text_tower(model)
    fingerprint = fingerprint_of_weights(
        {"dimension": model.dimension, "quick_gelu": model.quick_gelu, "text": model.config["text_cfg"]},
        tower.state_dict(),
    )
    texts = TorchTexts(tower, load_tokenizer(model), device)
    return TextEncoder(model.source.name, fingerprint, model.dimension, texts.description, texts)
