"""The texts of the classes as a text tower reads them: all of them, or some that are drawn for a step."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

_TOKENS_AT_ONCE = 8192  # a text tower of ViT-B/16 keeps about 0.4 MB of activations for each, in float32
_DRAWN_TEXTS = 3  # apart from the other draws of a step, which have numbers below


@dataclass(frozen=True, slots=True)
class ClassTokens:
    """The texts of C classes, N together, those of a class one after the other."""

    tokens: Tensor  # int64 (N, L)
    counts: tuple[int, ...]  # texts of each class
    embeddings: Tensor | None = None  # of the texts, (N, D) of length 1, if the text encoder is frozen

    def drawn(self, most: int, seed: int, step: int) -> "ClassTokens":
        """At most so many different texts of each class, drawn for a step; all of them for 0."""
        if not most or max(self.counts) <= most:
            return self
        generator = np.random.default_rng([seed, step, 0, _DRAWN_TEXTS])
        first, rows = 0, []
        for count in self.counts:
            rows.append(first + np.sort(generator.permutation(count)[:most]))
            first += count
        chosen = torch.from_numpy(np.concatenate(rows)).to(self.tokens.device)
        return replace(
            self,
            tokens=self.tokens[chosen],
            counts=tuple(map(len, rows)),
            embeddings=None if self.embeddings is None else self.embeddings[chosen],
        )

    def parts(self) -> tuple[Tensor, ...]:
        """The tokens in parts that a text tower encodes at once, with gradients."""
        return torch.split(self.tokens, max(1, _TOKENS_AT_ONCE // self.tokens.shape[1]))
