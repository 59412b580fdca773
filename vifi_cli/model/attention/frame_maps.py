"""Maps of the parts of a picture that matter to an image tower, by a method that suits the tower and the question."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.attention.activation_map import activation_map, split_tower
from vifi_cli.model.attention.attention_maps import attention_rollout, last_attention, relevance
from vifi_cli.model.attention.attention_weights import TokenPlan, captured_attention, token_plan

Method = Literal["last", "rollout", "relevance", "cam"]

IN_WORDS: dict[Method, str] = {
    "last": "attention of the last layer",
    "rollout": "attention rollout",
    "relevance": "gradient-weighted attention",
    "cam": "Grad-CAM",
}
SOURCES: dict[Method, str] = {
    "last": "mean over heads",
    "rollout": "Abnar & Zuidema 2020",
    "relevance": "Chefer et al. 2021",
    "cam": "Selvaraju et al. 2017",
}


@dataclass(frozen=True, slots=True, eq=False)
class FrameMaps:
    """Maps of pictures, and the embeddings of these pictures."""

    # float32 (N, rows, columns), not negative; `attention_maps` and `activation_map` explain their scale
    maps: Tensor
    embeddings: Tensor  # float32 (N, D), not normalized


def choose_method(tower: nn.Module, wanted: Method | None, *, has_text: bool) -> Method:
    """The wanted method, or the one that suits the tower; InvalidInput if the wanted one does not work with it.

    That is `cam` for convolutional towers; for transformers `relevance` with a text, otherwise `last`.
    """
    if token_plan(tower) is None:
        split_tower(tower)
        if wanted not in (None, "cam"):
            raise InvalidInput(
                f"--method {wanted} is for transformers, and this image tower is convolutional: use cam"
            )
        return "cam"
    if wanted == "cam":
        raise InvalidInput("--method cam is for convolutional image towers: use last, rollout or relevance")
    return wanted or ("relevance" if has_text else "last")


def look(tower: nn.Module, images: Tensor, method: Method, text: Tensor | None = None) -> FrameMaps:
    """Map the parts of pictures that matter to a tower, which stays unchanged.

    `relevance` and `cam` explain a score of each picture: the cosine of its embedding with the text's. Without a text
    it is the length of the embedding, whose gradient is that of the similarity with itself.

    Args:
        tower: normalized images to embeddings, in evaluation mode.
        images: float32 (N, 3, S, S), on the tower's device.
        method: from `choose_method` for this tower.
        text: an embedding (D,) of length 1.
    """
    plan = token_plan(tower)
    maps, embeddings = (
        _by_activation(tower, images, text)
        if plan is None
        else _by_attention(tower, plan, images, method, text)
    )
    return FrameMaps(maps.detach().float(), embeddings.detach().float())


def _by_activation(tower: nn.Module, images: Tensor, text: Tensor | None) -> tuple[Tensor, Tensor]:
    parts = split_tower(tower)
    with torch.enable_grad():
        features = parts.features(images.detach().requires_grad_())
        embeddings = parts.embedding(features)
        return activation_map(features, _scores(embeddings, text)), embeddings


def _by_attention(
    tower: nn.Module, plan: TokenPlan, images: Tensor, method: Method, text: Tensor | None
) -> tuple[Tensor, Tensor]:
    has_graph = method == "relevance"
    with torch.set_grad_enabled(has_graph), captured_attention(plan) as weights:
        embeddings: Tensor = tower(images.detach().requires_grad_(has_graph))
        if method == "relevance":
            return relevance(plan, weights, _scores(embeddings, text)), embeddings
        return (last_attention if method == "last" else attention_rollout)(plan, weights), embeddings


def _scores(embeddings: Tensor, text: Tensor | None) -> Tensor:
    scores: Tensor = embeddings.norm(dim=-1) if text is None else F.normalize(embeddings, dim=-1) @ text
    return scores
