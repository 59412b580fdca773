"""Learned prompts in a text tower: vectors before a class's name.

Zhou et al., Learning to Prompt for Vision-Language Models, IJCV 2022; in every layer as in Rasheed et al., CVPR
2023, section 3.3, and the published `trainers/vificlip.py` and `clip/model.py`: the text is [start][n vectors][name
and end], and the next layers put vectors of their own in the same places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.prompts.tower import PromptedTower, TowerLayers
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.minilm import POSITIONS, WIDTH, SentenceTransformer
from vifi_cli.model.towers.tokenizers.sentence_tokenizer import CONTEXT_LENGTH

# the start of a text, its end, and one token of a name between them
_LEAST_ROOM = 3


@dataclass(frozen=True, slots=True)
class TextLayers(TowerLayers):
    """Where prompts enter a text tower; the output of `entrance`, for token ids (N, L), is the tokens (N, L, W)."""

    context: int  # the longest text in tokens, prompts included
    room: int  # how many prompts fit
    start: int  # position of the first prompt: 1 after the token that begins a text, 0 without such a token
    # the token that a cut text must keep: its greatest, the one of this id, or the one in the last position
    end: Literal["greatest", "last"] | int


class PromptedTextTower(PromptedTower):
    """A text tower, token ids (N, L) to embeddings (N, D), with prompts for its first layers.

    The first prompts take the place of tokens, the next replace them layer by layer.
    """

    def __init__(self, tower: nn.Module, prompts: Sequence[Tensor]) -> None:
        """Put prompts into a tower that `text_layers` knows.

        The errors are those of `PromptedTower`; prompts that leave no room for a name are an error too.
        """
        layers = text_layers(tower)
        super().__init__(tower, layers, prompts, "text")
        if len(prompts[0]) > layers.room:
            raise InvalidInput(
                f"{len(prompts[0])} text prompts leave no room for a name: the text tower takes {layers.room}"
            )
        self._start, self._context, self._end = layers.start, layers.context, layers.end
        layers.entrance.register_forward_hook(self._enter)
        for layer in range(1, len(prompts)):
            layers.blocks[layer].register_forward_pre_hook(partial(self._replace, layer))

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed token ids int64 (N, L) of texts without prompts, without normalizing."""
        embeddings: Tensor = self.tower(self.with_places(tokens))
        return embeddings

    def with_places(self, tokens: Tensor) -> Tensor:
        """Insert places for the prompts; a text that gets too long loses the end of its name."""
        # The first token can hold a place: it is neither padding nor the end, which masks and pooling look for.
        places = tokens[:, :1].expand(-1, len(self.prompts[0]))
        longer = torch.cat([tokens[:, : self._start], places, tokens[:, self._start :]], 1)
        if longer.shape[1] <= self._context:
            return longer
        kept = longer[:, : self._context].clone()
        if self._end == "last":
            kept[:, -1] = longer[:, -1]
            return kept
        ends = longer.amax(1) if self._end == "greatest" else longer.new_full((len(longer),), self._end)
        has_end = (kept == ends[:, None]).any(1)
        kept[:, -1] = torch.where(has_end, kept[:, -1], ends)
        return kept

    def _enter(self, _: nn.Module, __: tuple[Tensor, ...], embedded: Tensor) -> Tensor:
        return self._with_prompts(embedded, 0)

    def _replace(self, layer: int, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return self._with_prompts(inputs[0], layer), *inputs[1:]

    def _with_prompts(self, tokens: Tensor, layer: int) -> Tensor:
        prompts = self._prompts_like(tokens, layer)
        behind = self._start + len(self.prompts[0])
        return torch.cat([tokens[:, : self._start], prompts, tokens[:, behind:]], 1)


def text_layers(tower: nn.Module) -> TextLayers:
    """Find the layers of a text tower of open_clip or `starter`; InvalidInput for any other."""
    if isinstance(tower, SentenceTransformer):
        room = POSITIONS - CONTEXT_LENGTH
        return TextLayers(tower.token_embedding, list(tower.blocks), WIDTH, POSITIONS, room, 1, "last")
    declare_missing_operators()
    from open_clip.transformer import TextTransformer

    if not isinstance(tower, TextTransformer):
        raise InvalidInput(
            f"the text tower ({type(tower).__name__}) takes no prompts: choose a model with a text tower of "
            "open_clip's own, such as clip-vit-b-16"
        )
    # a text that is read at its last position has no token that begins it (SigLIP)
    is_read_last = tower.pool_type == "last" and tower.cls_emb is None
    return TextLayers(
        entrance=tower.token_embedding,
        blocks=list(tower.transformer.resblocks),
        width=tower.width,
        context=tower.context_length,
        room=tower.context_length - _LEAST_ROOM,
        start=0 if is_read_last else 1,
        end="last" if is_read_last else tower.eos_id if tower.pool_type == "eos" else "greatest",
    )
