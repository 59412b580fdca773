"""Initializes learned prompts on the two towers of a CLIP, whose own weights stay frozen ("bridge and prompt").

Rasheed et al., Fine-tuned CLIP Models are Efficient Video Learners, CVPR 2023, section 3.3. A tower that takes no
prompts, or not so many or so deep, raises InvalidInput.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vifi_cli.model.prompts.image import PromptedImageTower, image_layers
from vifi_cli.model.prompts.text import PromptedTextTower, text_layers
from vifi_cli.model.registry.card import PromptShape
from vifi_cli.model.towers.vifi_clip import ViFiCLIP

# as published (trainers/vificlip.py)
_DEVIATION = 0.02
_PREFIXES = ("visual.prompts.", "text.prompts.")


def add_prompts(network: ViFiCLIP, shape: PromptShape, seed: int) -> None:
    """Give a network prompts drawn from N(0, 0.02²); its towers become `PromptedImageTower`, `PromptedTextTower`.

    The network changes in place: its own parameters keep their values, under new names. A tower without prompts in
    `shape` stays unchanged; the prompts of one tower do not depend on the other's.
    """
    image, text = [], []
    if shape.image_context:
        image = _drawn(image_layers(network.visual).width, shape.image_context, shape.image_depth, seed)
    if shape.text_context:
        # another seed, or towers of the same width would begin alike
        text = _drawn(text_layers(network.text).width, shape.text_context, shape.text_depth, seed + 1)
    put_prompts(network, text, image)


def put_prompts(network: ViFiCLIP, text: Sequence[Tensor], image: Sequence[Tensor]) -> None:
    """Give a network these prompts, (n, W) for each layer; a tower without prompts stays unchanged."""
    if image:
        network.visual = PromptedImageTower(network.visual, _like(network.visual, image))
    if text:
        network.text = PromptedTextTower(network.text, _like(network.text, text))


def prompt_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """The prompts of a network by name: `visual.prompts.0`, `text.prompts.0` and so on."""
    return {name: tensor for name, tensor in network.named_parameters() if name.startswith(_PREFIXES)}


def _drawn(width: int, context: int, depth: int, seed: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(context, width, generator=random) * _DEVIATION for _ in range(depth)]


def _like(tower: nn.Module, prompts: Sequence[Tensor]) -> list[Tensor]:
    example = next(tower.parameters())
    return [prompt.to(example) for prompt in prompts]
