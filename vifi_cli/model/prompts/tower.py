"""A tower with learned prompts, reached by hooks: what the image side and the text side share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from vifi_cli.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TowerLayers:
    """Where prompts enter a transformer tower.

    Attributes:
        entrance: the module whose input or output is the tokens (N, L, W) before the first block.
        blocks: one for each layer; the first argument is the tokens.
        width: W, the length of a token.
    """

    entrance: nn.Module
    blocks: Sequence[nn.Module]
    width: int


class PromptedTower(nn.Module):
    """A tower with prompts; the tower itself stays unchanged.

    Attributes:
        tower: inputs to embeddings (N, D).
        prompts: one (n, W) for each layer from the first on.
    """

    def __init__(
        self, tower: nn.Module, layers: TowerLayers, prompts: Sequence[Tensor], side: Literal["image", "text"]
    ) -> None:
        """Keep the tower and its prompts.

        Args:
            tower: the tower.
            layers: of the tower.
            prompts: float (n, W) each, at least one, at most one for each layer.
            side: for messages.

        Raises:
            InvalidInput: the tower has another width or fewer layers, or takes no prompts.
        """
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
