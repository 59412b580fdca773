"""Learned prompts in a transformer image tower: vectors that stand after an image's patches.

Rasheed et al., Fine-tuned CLIP Models are Efficient Video Learners, CVPR 2023, section 3.3, as in the published
`clip/model.py`: prompts join the patches behind the positional embedding, and the next layers take the last ones
off and put their own in their place. Here they leave before anything is pooled, so every kind of pooling sees the
tokens that it would see without them; for a pooling by class token that makes no difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.torchvision_operators import declare_missing_operators


@dataclass(frozen=True, slots=True)
class ImageLayers:
    """Where prompts enter and leave a transformer image tower.

    Attributes:
        entrance: its input is the tokens (N, L, W) with their positions, on the way to the first block.
        blocks: one a layer; first argument and result are the tokens.
        width: W, the length of a token.
    """

    entrance: nn.Module
    blocks: Sequence[nn.Module]
    width: int


class PromptedImageTower(nn.Module):
    """An image tower with prompts, reached by hooks; the tower itself is as it was.

    Attributes:
        tower: normalised images (N, 3, S, S) to embeddings (N, D).
        prompts: one (n, W) a layer; the first joins the patches, the next take its place layer by layer.
    """

    def __init__(self, tower: nn.Module, prompts: Sequence[Tensor]) -> None:
        """Put prompts into a tower.

        Args:
            tower: one that `image_layers` knows.
            prompts: float (n, W) each, at least one, at most one a layer.

        Raises:
            InvalidInput: the tower is no transformer, or of another width, or has fewer layers.
        """
        super().__init__()
        layers = image_layers(tower)
        if len(prompts) > len(layers.blocks):
            raise InvalidInput(
                f"the image tower has {len(layers.blocks)} layers, so prompts cannot be {len(prompts)} layers deep"
            )
        if prompts[0].shape[1] != layers.width:
            raise InvalidInput(
                f"the image prompts are {prompts[0].shape[1]} long, and the image tower is {layers.width} wide"
            )
        self.tower = tower
        self.prompts = nn.ParameterList(nn.Parameter(prompt) for prompt in prompts)
        layers.entrance.register_forward_pre_hook(self._enter)
        for layer, block in enumerate(layers.blocks):
            block.register_forward_pre_hook(partial(self._replace, layer), with_kwargs=True)
        layers.blocks[-1].register_forward_hook(self._leave)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images, without normalising."""
        embeddings: Tensor = self.tower(images)
        return embeddings

    @property
    def set_grad_checkpointing(self) -> Callable[..., None]:
        """The tower's own, where it has one."""
        switch: Callable[..., None] = self.tower.set_grad_checkpointing  # type: ignore[assignment]
        return switch

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
        prompts = self.prompts[layer].to(tokens.dtype).expand(tokens.shape[0], -1, -1)
        return torch.cat([tokens, prompts], 1)

    def _without_prompts(self, tokens: Tensor) -> Tensor:
        return tokens[:, : tokens.shape[1] - len(self.prompts[0])]


def _unturned(rope: Tensor, count: int) -> Tensor:
    """Lengthen a table of rotary positions, (..., L, 2 d), sines before cosines, by tokens that are not turned.

    timm (`apply_rot_embed_cat`) turns every token but those before the patches.
    """
    still = rope.new_zeros(*rope.shape[:-2], count, rope.shape[-1])
    still[..., rope.shape[-1] // 2 :] = 1
    return torch.cat([rope, still], -2)


def image_layers(tower: nn.Module) -> ImageLayers:
    """Find the layers of an image tower.

    Raises:
        InvalidInput: it is no transformer over one row of tokens.
    """
    declare_missing_operators()
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer
    from timm.models.eva import Eva
    from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer

    if isinstance(tower, VisionTransformer):
        return ImageLayers(tower.ln_pre, list(tower.transformer.resblocks), len(tower.class_embedding))
    trunk = tower.trunk if isinstance(tower, TimmModel) else tower
    if isinstance(trunk, TimmVisionTransformer | Eva):
        return ImageLayers(trunk.norm_pre, list(trunk.blocks), trunk.embed_dim)
    raise InvalidInput(
        f"the image tower ({type(trunk).__name__}) is not a plain vision transformer and takes no prompts: "
        "learn text prompts alone, with --side text"
    )
