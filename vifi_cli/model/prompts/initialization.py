"""Initializes learned prompts on the two towers of a CLIP, whose own weights stay frozen ("bridge and prompt").

Rasheed et al., Fine-tuned CLIP Models are Efficient Video Learners, CVPR 2023, section 3.3. A tower that takes no
prompts, or not so many or so deep, raises InvalidInput.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.prompts.image import PromptedImageTower, image_layers
from vifi_cli.model.prompts.text import PromptedTextTower, text_layers
from vifi_cli.model.registry.card import PromptShape
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.wording import counted

# as published (trainers/vificlip.py)
_DEVIATION = 0.02
_PREFIXES = ("visual.prompts.", "text.prompts.")


def add_prompts(network: ViFiCLIP, shape: PromptShape, seed: int, context: Tensor | None = None) -> None:
    """Give a network prompts drawn from N(0, 0.02²); its towers become `PromptedImageTower`, `PromptedTextTower`.

    The network changes in place: its own parameters keep their values, under new names. A tower without prompts in
    `shape` stays unchanged; the prompts of one tower do not depend on the other's. The text prompts of the input begin
    as `context`, (n, W), if it is given.
    """
    image, text = [], []
    if shape.image_context:
        image = _drawn(image_layers(network.visual).width, shape.image_context, shape.image_depth, seed)
    if shape.text_context:
        # another seed, or towers of the same width would begin alike
        text = _drawn(text_layers(network.text).width, shape.text_context, shape.text_depth, seed + 1)
        text[:1] = text[:1] if context is None else [context]
    put_prompts(network, text, image)


def embedded_words(
    text_tower: nn.Module, tokenizer: Callable[[Sequence[str]], Tensor], words: str, count: int
) -> Tensor:
    """The embeddings (count, W) of the first words, each of which must be one token.

    Source: ViFi-CLIP's `trainers/vificlip.py`, VLPromptLearner, which begins up to four text prompts like this.
    """
    layers = text_layers(text_tower)
    first = " ".join(words.split()[:count])
    tokens, end = tokenizer([first])[0], tokenizer([""])[0, layers.start]
    behind = layers.start + count
    if tokens[behind] != end or (tokens[layers.start : behind] == end).any():
        raise InvalidInput(
            f"recipe: context_words: {first!r} is not {counted(count, 'token')} of this model: use other words"
        )
    with torch.no_grad():
        embedded: Tensor = layers.entrance(tokens[None])
    return embedded[0, layers.start : behind].clone()


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
