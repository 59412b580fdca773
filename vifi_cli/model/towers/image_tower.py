"""Builds image towers as open_clip configures them, and those of timm that differ from its named models in numbers."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

TIMM_OPTIONS = "timm_model_kwargs"
"""Beside `timm_model_name` in a `vision_cfg`: arguments of that model's function, which open_clip cannot pass on."""


def build_image_tower(dimension: int, vision_config: Mapping[str, Any], *, quick_gelu: bool) -> nn.Module:
    """Build an untrained image tower: normalized images (N, 3, H, W) to embeddings (N, D), not normalized."""
    # The builders of the towers are private, but open_clip has no public way to build one tower without the other.
    from open_clip.model import _build_vision_tower

    # CoCa's towers return their tokens too, for its decoder
    config = {**vision_config, "output_tokens": False}
    options = config.pop(TIMM_OPTIONS, None)
    if "timm_model_name" in config:
        config["timm_model_pretrained"] = False
    if options is None:
        tower: nn.Module = _build_vision_tower(dimension, config, quick_gelu, None)
        return tower
    with torch.device("meta"):  # its trunk is replaced
        tower = _build_vision_tower(dimension, config, quick_gelu, None)
    tower.trunk = _timm_model(config, options)
    return tower


def _timm_model(config: Mapping[str, Any], options: Mapping[str, Any]) -> nn.Module:
    import timm

    model: nn.Module = timm.create_model(
        config["timm_model_name"], num_classes=0, global_pool=config["timm_pool"], **options
    )
    return model
