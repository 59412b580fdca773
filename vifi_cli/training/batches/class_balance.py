"""Draws the videos of an epoch so that rare classes are seen more often."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """How often each class is drawn: by its number of videos to the power of 1 - `strength`.

    0.5 draws by square roots, 1 all classes alike. Source: Kang et al., Decoupling representation and classifier for
    long-tailed recognition, ICLR 2020, equation 1, whose q is 1 - `strength`.
    """

    labels: tuple[int, ...]  # of the training videos
    strength: float  # 0 to 1

    def draw(self, generator: np.random.Generator) -> Integers:
        """The videos of an epoch in their order, as many as there are; a class repeats none before all have come."""
        labels = np.array(self.labels)
        classes, sizes = np.unique(labels, return_counts=True)
        quotas = self._quotas(sizes, generator)
        drawn = [
            _drawn(np.flatnonzero(labels == each), int(quota), generator)
            for each, quota in zip(classes, quotas, strict=True)
        ]
        return generator.permutation(np.concatenate(drawn))

    def _quotas(self, sizes: Integers, generator: np.random.Generator) -> Integers:
        """How many videos of each class: its share on average, by systematic sampling, so that the sum is exact."""
        weights = sizes ** (1 - self.strength)
        ends = np.cumsum(weights / weights.sum()) * sizes.sum()
        ends[-1] = sizes.sum()
        quotas: Integers = np.diff(np.floor(ends + generator.random()).astype(np.int64), prepend=0)
        return quotas


def _drawn(videos: Integers, quota: int, generator: np.random.Generator) -> Integers:
    rounds = [generator.permutation(videos) for _ in range(math.ceil(quota / len(videos)))]
    return np.concatenate([*rounds, videos[:0]])[:quota]
