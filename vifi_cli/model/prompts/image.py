"""Learned prompts in a transformer image tower: vectors after an image's patches.

Rasheed et al., Fine-tuned CLIP Models are Efficient Video Learners, CVPR 2023, section 3.3, as in the published
`clip/model.py`: prompts join the patches after the positional embedding, and the next layers replace them by their own.
Here they leave before anything is pooled, so every kind of pooling sees the same tokens as without prompts; for pooling
by class token that makes no difference.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.prompts.tower import PromptedTower, TowerLayers
from vifi_cli.model.torchvision_operators import declare_missing_operators


class PromptedImageTower(PromptedTower):
    """An image tower, normalized images (N, 3, S, S) to embeddings (N, D), with prompts for its first layers.

    The first prompts join the patches, the next replace them layer by layer.
    """

    def __init__(self, tower: nn.Module, prompts: Sequence[Tensor]) -> None:
        """Put prompts into a tower that `image_layers` knows; the errors are those of `PromptedTower`."""
        layers = image_layers(tower)
        super().__init__(tower, layers, prompts, "image")
        layers.entrance.register_forward_pre_hook(self._enter)
        for layer, block in enumerate(layers.blocks):
            block.register_forward_pre_hook(partial(self._replace, layer), with_kwargs=True)
        layers.blocks[-1].register_forward_hook(self._leave)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images, without normalizing."""
        embeddings: Tensor = self.tower(images)
        return embeddings

    def _enter(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return self._with_prompts(inputs[0], 0), *inputs[1:]

    def _replace(
        self, layer: int, _: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if 0 < layer < len(self.prompts):
            inputs = (self._with_prompts(self._without_prompts(inputs[0]), layer), *inputs[1:])
        if options.get("rope") is not None:
            options = {**options, "rope": _unturned(options["rope"], len(self.prompts[0]))}
        return inputs, options

    def _leave(self, _: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return self._without_prompts(output)

    def _with_prompts(self, tokens: Tensor, layer: int) -> Tensor:
        return torch.cat([tokens, self._prompts_like(tokens, layer)], 1)

    def _without_prompts(self, tokens: Tensor) -> Tensor:
        return tokens[:, : tokens.shape[1] - len(self.prompts[0])]


def _unturned(rope: Tensor, count: int) -> Tensor:
    """Lengthen a table of rotary positions, (..., L, 2 d), sines before cosines, by tokens that are not turned.

    timm (`apply_rot_embed_cat`) turns every token but those before the patches.
    """
    still = rope.new_zeros(*rope.shape[:-2], count, rope.shape[-1])
    still[..., rope.shape[-1] // 2 :] = 1
    return torch.cat([rope, still], -2)


def image_layers(tower: nn.Module) -> TowerLayers:
    """Find the layers of an image tower; the input of `entrance` is the tokens with their positions.

    Raises InvalidInput if it is not a transformer over one row of tokens.
    """
    declare_missing_operators()
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer
    from timm.models.eva import Eva
    from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer

    if isinstance(tower, VisionTransformer):
        return TowerLayers(tower.ln_pre, list(tower.transformer.resblocks), len(tower.class_embedding))
    trunk = tower.trunk if isinstance(tower, TimmModel) else tower
    if isinstance(trunk, TimmVisionTransformer | Eva):
        return TowerLayers(trunk.norm_pre, list(trunk.blocks), trunk.embed_dim)
    raise InvalidInput(
        f"the image tower ({type(trunk).__name__}) is not a plain vision transformer and takes no prompts: "
        "learn text prompts alone, with --side text"
    )
