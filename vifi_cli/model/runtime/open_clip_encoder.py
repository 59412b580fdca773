"""Loads open_clip's models for the index."""

from typing import TYPE_CHECKING

from vifi_cli.model.folders.prompt_base import prompt_card, prompted_fingerprint, weights_source
from vifi_cli.model.folders.prompt_folder import prompted_tower
from vifi_cli.model.registry.hub import cached_weights
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.runtime.device import choose_device
from vifi_cli.model.runtime.fingerprint import fingerprint_of_image_tower, fingerprint_of_text_tower
from vifi_cli.model.runtime.runtime import frames_runtime
from vifi_cli.model.runtime.torch_runtime import PixelTower, TorchTexts
from vifi_cli.model.runtime.vifi_encoder import TextEncoder, ViFiEncoder
from vifi_cli.model.towers.open_clip import (
    OpenClipModel,
    describe_model,
    load_image_tower,
    load_text_tower,
    load_tokenizer,
)

if TYPE_CHECKING:
    import torch


def load_open_clip(source: ModelSource, device: str) -> ViFiEncoder:
    """Load both sides; see `encoder.load_encoder`."""
    chosen = choose_device(device)
    model = _describe(source)
    visual = load_image_tower(model)
    fingerprint = fingerprint_of_image_tower(model.config, model.preprocessing, visual.state_dict())
    card = prompt_card(source)
    if card and source.path:
        fingerprint = prompted_fingerprint(source.path, card, "image", fingerprint)
        visual = prompted_tower(source.path, card, "image", visual)
    geometry = model.preprocessing.geometry
    frames = frames_runtime(PixelTower(visual, model.preprocessing), geometry, chosen, fingerprint)
    description = frames.description
    if model.source.kind == "file" and model.source.activation is None:
        description += (
            "; quick GELU taken for granted: append #gelu to the file's name if it was trained with GELU"
        )
    return ViFiEncoder(_text_side(source, model, chosen), fingerprint, geometry, description, frames)


def load_open_clip_text(source: ModelSource, device: str) -> TextEncoder:
    """Load the text side alone; see `encoder.load_text_encoder`."""
    return _text_side(source, _describe(source), choose_device(device))


def _describe(source: ModelSource) -> OpenClipModel:
    """What the towers themselves are made of; of a prompt model that is its base."""
    base = weights_source(source)
    return describe_model(base, cached_weights(base))


def _text_side(source: ModelSource, model: OpenClipModel, device: "torch.device") -> TextEncoder:
    tower = load_text_tower(model)
    fingerprint = fingerprint_of_text_tower(model.config, tower.state_dict())
    card = prompt_card(source)
    if card and source.path:
        fingerprint = prompted_fingerprint(source.path, card, "text", fingerprint)
        tower = prompted_tower(source.path, card, "text", tower)
    texts = TorchTexts(tower, load_tokenizer(model), device)
    return TextEncoder(source.name, fingerprint, model.dimension, texts.description, texts)
