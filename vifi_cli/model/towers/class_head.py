"""Classifiers on top of frozen towers: a linear probe, and Tip-Adapter's cache of training clips.

A head turns the embeddings of clips into logits by a matrix with a row per class. What a row holds is the head's own
business, so whoever classifies selects rows and keeps them in the order of the classes that are asked for.

Sources: the linear probe of CLIP (Radford et al., 2021, section 3.2); Zhang et al., Tip-Adapter, ECCV 2022, and its
`main.py`.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from vifi_cli.model.registry.card import HeadKind


class ClassHead(nn.Module):
    """A classifier of embeddings of length 1; its buffers are what a model folder keeps."""

    @abstractmethod
    def rows(self, places: Sequence[int | None], texts: Tensor | None = None) -> Tensor:
        """A row per class: places among the classes of its training, None for others; texts (C, D) of length 1."""

    @abstractmethod
    def forward(self, videos: Tensor, rows: Tensor, scale: Tensor) -> Tensor:
        """Logits (..., C) of clips (..., D) for rows; `scale` is CLIP's factor on cosines."""


class LinearProbe(ClassHead):
    """Logistic regression: rows are weights (C, D) with the bias (C,) as one more column."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.float())
        self.register_buffer("bias", bias.float())

    def rows(self, places: Sequence[int | None], texts: Tensor | None = None) -> Tensor:
        """Weights and bias of known classes; ValueError for others."""
        known = [place for place in places if place is not None]
        if len(known) < len(places):
            raise ValueError("a linear probe has no answer for classes that it was not trained on")
        return torch.cat([self.weight[known], self.bias[known, None]], 1)

    def forward(self, videos: Tensor, rows: Tensor, scale: Tensor) -> Tensor:
        """Logits; the scale of cosines does not apply."""
        return videos @ rows[:, :-1].T + rows[:, -1]


class TipAdapter(ClassHead):
    """CLIP's logits, and alpha times those of the training clips that a clip resembles.

    Keys (N, D) are the embeddings of training clips, values (N, C) their classes, in shares that sum to 1. Rows are
    texts (C, D), followed by a column per key; a class without training clips has zeros there, which leaves its text.
    """

    keys: Tensor
    values: Tensor
    alpha: Tensor
    beta: Tensor

    def __init__(self, keys: Tensor, values: Tensor, alpha: Tensor, beta: Tensor) -> None:
        super().__init__()
        for name, tensor in {"keys": keys, "values": values, "alpha": alpha, "beta": beta}.items():
            self.register_buffer(name, tensor.float())

    def rows(self, places: Sequence[int | None], texts: Tensor | None = None) -> Tensor:
        """Texts and values of classes; ValueError without texts."""
        if texts is None:
            raise ValueError("Tip-Adapter adds to the logits of texts")
        values = self.values.new_zeros(len(places), len(self.keys))
        for row, place in enumerate(places):
            if place is not None:
                values[row] = self.values[:, place]
        return torch.cat([texts.to(values), values], 1)

    def forward(self, videos: Tensor, rows: Tensor, scale: Tensor) -> Tensor:
        """Logits of the texts, and of the keys."""
        dimension = self.keys.shape[1]
        nearness = torch.exp(-self.beta * (1 - videos @ self.keys.T))
        of_texts: Tensor = scale * videos @ rows[:, :dimension].T
        return of_texts + self.alpha * nearness @ rows[:, dimension:].T


def head_from_tensors(kind: HeadKind, tensors: Mapping[str, Tensor]) -> ClassHead:
    """A head of this kind from the tensors of its folder; ValueError if they are not its tensors."""
    names = {"linear-probe": ("weight", "bias"), "tip-adapter": ("keys", "values", "alpha", "beta")}[kind]
    if set(tensors) != set(names):
        raise ValueError(f"it holds {', '.join(sorted(tensors)) or 'nothing'} instead of {', '.join(names)}")
    head = (LinearProbe if kind == "linear-probe" else TipAdapter)(*(tensors[name] for name in names))
    shapes = [len(tensors[name].shape) for name in names]
    counts = {len(tensors[name]) for name in names if tensors[name].shape}
    if len(counts) != 1 or shapes != ([2, 1] if kind == "linear-probe" else [2, 2, 0, 0]):
        raise ValueError("its tensors do not fit each other")
    return head
