"""Which places of an image raise a score, for convolutional image towers: Grad-CAM.

Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017,
equations 1 and 2, on the last feature map, the one that the embedding is pooled from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.starter import StarterImageTower


@dataclass(frozen=True, slots=True)
class SplitTower:
    """A convolutional image tower in two parts."""

    features: Callable[[Tensor], Tensor]  # images (N, 3, S, S) to the last feature map (N, C, rows, columns)
    embedding: Callable[[Tensor], Tensor]  # that feature map to embeddings (N, D)


def split_tower(tower: nn.Module) -> SplitTower:
    """Split a ResNet of CLIP's, or a network of timm's that keeps rows and columns, before its pooling.

    Raises InvalidInput for other towers.
    """
    declare_missing_operators()
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.timm_model import TimmModel

    if isinstance(tower, ModifiedResNet):
        parts = (tower.stem, tower.layer1, tower.layer2, tower.layer3, tower.layer4)
        return SplitTower(lambda images: reduce(lambda x, part: part(x), parts, images), tower.attnpool)
    if isinstance(tower, TimmModel | StarterImageTower):
        trunk: Any = tower.trunk
        head: Any = tower.head
        if getattr(trunk, "output_fmt", "NCHW") == "NCHW":
            return SplitTower(trunk.forward_features, lambda features: head(trunk.forward_head(features)))
        tower = trunk
    raise InvalidInput(
        f"the image tower ({type(tower).__name__}) is neither a plain vision transformer nor convolutional: "
        "choose another model"
    )


def activation_map(features: Tensor, scores: Tensor) -> Tensor:
    """Map the places of a feature map (N, C, rows, columns) that raise scores (N,): (N, rows, columns), not negative.

    Sums the channels, each times the mean of the score's gradient over it; negative values become 0. Each score must be
    computed from its image alone, with `features` in its graph.
    """
    if features.dim() != 4:
        raise InvalidInput("the image tower's features have no rows and columns: choose another model")
    (gradient,) = torch.autograd.grad(scores.sum(), features)
    with torch.no_grad():
        return (features * gradient.mean((2, 3), keepdim=True)).sum(1).clamp(min=0)
