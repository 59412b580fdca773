"""Loads open_clip's models for the index."""

import torch

from vifi_cli.model.folders.prompt_model import prompted_fingerprint, prompted_tower
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.runtime.device import choose_device
from vifi_cli.model.runtime.onnx_or_torch import frames_runtime
from vifi_cli.model.runtime.torch_runtime import PixelTower, TorchTexts
from vifi_cli.model.runtime.vifi_encoder import TextEncoder, ViFiEncoder
from vifi_cli.model.towers.open_clip import (
    OpenClipModel,
    describe_model,
    load_image_tower,
    load_text_tower,
    load_tokenizer,
)
from vifi_cli.model.weights.fingerprint import fingerprint_of_image_tower, fingerprint_of_text_tower


def load_open_clip(source: ModelSource, device: str) -> ViFiEncoder:
    """Load both sides; see `encoder.load_encoder`."""
    chosen, model = choose_device(device), describe_model(source)
    visual = load_image_tower(model)
    fingerprint = fingerprint_of_image_tower(model.config, model.preprocessing, visual.state_dict())
    fingerprint = prompted_fingerprint(source, "image", fingerprint)
    tower = PixelTower(prompted_tower(source, "image", visual), model.preprocessing)
    geometry = model.preprocessing.geometry
    frames = frames_runtime(tower, geometry, chosen, fingerprint)
    description = frames.description
    if model.source.kind == "file" and model.source.activation is None:
        description += "; quick GELU assumed: append #gelu to the file's name if it was trained with GELU"
    return ViFiEncoder(_text_side(source, model, chosen), fingerprint, geometry, description, frames)


def load_open_clip_text(source: ModelSource, device: str) -> TextEncoder:
    """Load only the text side; see `encoder.load_text_encoder`."""
    return _text_side(source, describe_model(source), choose_device(device))


def _text_side(source: ModelSource, model: OpenClipModel, device: torch.device) -> TextEncoder:
    tower = load_text_tower(model)
    fingerprint = fingerprint_of_text_tower(model.config, tower.state_dict())
    fingerprint = prompted_fingerprint(source, "text", fingerprint)
    texts = TorchTexts(prompted_tower(source, "text", tower), load_tokenizer(model), device)
    return TextEncoder(source.name, fingerprint, model.dimension, texts.description, texts)
