"""A tower with learned prompts, added by hooks: what the image side and the text side share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from vifi_cli.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TowerLayers:
    """Where prompts enter a transformer tower."""

    entrance: nn.Module  # its input or output is the tokens (N, L, W) before the first block
    blocks: Sequence[nn.Module]  # one for each layer; the first argument is the tokens
    width: int  # W, the length of a token


class PromptedTower(nn.Module):
    """A tower with prompts, (n, W) for each layer from the first on; the tower itself stays unchanged."""

    def __init__(
        self, tower: nn.Module, layers: TowerLayers, prompts: Sequence[Tensor], side: Literal["image", "text"]
    ) -> None:
        """Keep tower and prompts; InvalidInput if the tower has another width or fewer layers."""
        super().__init__()
        if len(prompts) > len(layers.blocks):
            raise InvalidInput(
                f"the {side} tower has {len(layers.blocks)} layers, so prompts cannot be {len(prompts)} layers deep"
            )
        if prompts[0].shape[1] != layers.width:
            raise InvalidInput(
                f"the {side} prompts are {prompts[0].shape[1]} long, and the {side} tower is {layers.width} wide"
            )
        self.tower = tower
        self.prompts = nn.ParameterList(nn.Parameter(prompt) for prompt in prompts)

    @property
    def set_grad_checkpointing(self) -> Callable[..., None]:
        """The tower's own, where it has one."""
        switch: Callable[..., None] = self.tower.set_grad_checkpointing  # type: ignore[assignment]
        return switch

    def _prompts_like(self, tokens: Tensor, layer: int) -> Tensor:
        """The prompts of a layer, (N, n, W), for tokens (N, L, W)."""
        prompts: Tensor = self.prompts[layer].to(tokens.dtype).expand(tokens.shape[0], -1, -1)
        return prompts
