"""Mixup and CutMix over clips, and label smoothing.

Clips are mixed within consecutive groups, each with its own share and permutation. A group is the batch of one GPU in
the published training, so results do not depend on how many clips fit into memory.

Source: ViFi-CLIP's `datasets/blending.py`, CutmixMixupBlending; Zhang et al., mixup, 2018; Yun et al., CutMix, 2019.
"""

import math

import torch
from numpy.random import Generator
from torch import Tensor

from vifi_cli.training.recipe.recipe import Mixing


def soft_targets(labels: Tensor, classes: int, label_smoothing: float) -> Tensor:
    """Probabilities, float32 (B, C), for labels (B,): 1 - s + s/C for a clip's own class, s/C for any other.

    Clips that show several classes have labels (B, K), in which a class may be repeated; a clip's k classes share the
    1 - s, so that CLIP's softmax can learn them: its logits are all positive, and a sigmoid would begin saturated.
    Source: Mahajan et al., Exploring the limits of weakly supervised pretraining, ECCV 2018, section 3.1. ActionCLIP
    and BIKE train on such distributions too, and test Charades by the softmax.
    """
    shown = labels.new_zeros((len(labels), classes), dtype=torch.float32)
    shown.scatter_(1, labels.view(len(labels), -1), 1.0)
    shares = shown / shown.sum(1, keepdim=True)
    return shares * (1 - label_smoothing) + label_smoothing / classes


def mix_clips(clips: Tensor, targets: Tensor, mixing: Mixing, generator: Generator) -> tuple[Tensor, Tensor]:
    """Mix each clip with another one of its group, and their targets by the same share.

    Clips are float (B, T, 3, S, S), targets (B, C); the results have the same shapes. If B is a multiple of the
    group's size, several calls with one generator give the same as one call with all clips.
    """
    if not (mixing.mixup or mixing.cutmix):
        return clips, targets
    pairs = zip(torch.split(clips, mixing.group), torch.split(targets, mixing.group), strict=True)
    mixed = [_mix_group(group, own, mixing, generator) for group, own in pairs]
    return torch.cat([clips for clips, _ in mixed]), torch.cat([targets for _, targets in mixed])


def _mix_group(clips: Tensor, targets: Tensor, mixing: Mixing, generator: Generator) -> tuple[Tensor, Tensor]:
    cut = generator.random() < mixing.switch_probability if mixing.mixup and mixing.cutmix else mixing.cutmix
    alpha = mixing.cutmix if cut else mixing.mixup
    share = float(generator.beta(alpha, alpha))
    partners = torch.from_numpy(generator.permutation(len(clips))).to(clips.device)
    if cut:
        rows, columns = _box(clips.shape[-2], clips.shape[-1], share, generator)
        mixed = clips.clone()
        mixed[..., rows, columns] = clips[..., rows, columns][partners]
        share = 1 - _length(rows) * _length(columns) / (clips.shape[-2] * clips.shape[-1])
    else:
        mixed = torch.lerp(clips[partners], clips, share)
    return mixed, torch.lerp(targets[partners], targets, share)


def _box(height: int, width: int, share: float, generator: Generator) -> tuple[slice, slice]:
    """Rows and columns of a box that leaves a share of the picture, if all of it is inside."""
    side = math.sqrt(1 - share)
    column, row = int(generator.integers(width)), int(generator.integers(height))
    return _span(row, int(height * side), height), _span(column, int(width * side), width)


def _span(center: int, length: int, limit: int) -> slice:
    return slice(max(center - length // 2, 0), min(center + length // 2, limit))


def _length(span: slice) -> int:
    return int(span.stop - span.start)
