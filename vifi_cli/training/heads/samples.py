"""What a classifier is fitted on, and how its free parameters are chosen without the test videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.multi_label import mean_average_precision
from vifi_cli.evaluation.scoring.predictions import top_k_hits
from vifi_cli.model.towers.class_head import ClassHead

Floats = npt.NDArray[np.float32]
Setting = TypeVar("Setting")
LEAST_PROBABILITY = 1e-30  # in a logarithm


@dataclass(frozen=True, slots=True, eq=False)
class HeadSamples:
    """The embeddings of clips (N, D), of length 1, and their classes (N, C), as shares that sum to 1.

    `units` are what clips are left out with, where some are: their group, or themselves.
    """

    embeddings: Floats
    shares: Floats
    units: tuple[str, ...]

    @classmethod
    def of(cls, videos: Sequence[LabeledVideo], embeddings: Floats, classes: int) -> Self:
        """The samples of readable videos; one with several classes counts for each in equal shares."""
        shares = np.zeros((len(videos), classes), np.float32)
        for row, video in zip(shares, videos, strict=True):
            row[list(video.labels)] = 1 / len(video.labels)
        return cls(embeddings, shares, tuple(video.unit for video in videos))

    def __len__(self) -> int:
        return len(self.units)

    def chosen(self, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Self:
        """Some of the samples."""
        numbers = np.arange(len(self))[which]
        units = tuple(self.units[number] for number in numbers)
        return replace(self, embeddings=self.embeddings[which], shares=self.shares[which], units=units)

    def has_classes_of(self, others: Self) -> npt.NDArray[np.bool_]:
        """Whether all classes of each of the other samples are among those of these: (N,)."""
        known = (self.shares > 0).any(0)
        return np.array((others.shares[:, ~known] == 0).all(1), np.bool_)


@dataclass(frozen=True, slots=True)
class Choice(Generic[Setting]):
    """A setting that was chosen; `reason` says on what, and with which score."""

    setting: Setting
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class FittedHead:
    """A classifier, and its free parameters with the reason for them, by name, in words."""

    head: ClassHead
    facts: Mapping[str, str]

    @property
    def in_words(self) -> str:
        """The facts in a line."""
        return ", ".join(f"{name} {value}" for name, value in self.facts.items())


def best_setting(probabilities: Mapping[Setting, Floats], samples: HeadSamples, on: str) -> Choice[Setting]:
    """The setting whose probabilities (N, C) of these samples score best; among equals, the least surprised one.

    `on` is what the samples are, in words. The score is that of validation: top-1, or mAP of several classes.
    """
    scores = {setting: _score(values, samples.shares) for setting, values in probabilities.items()}
    surprise = {setting: _surprise(values, samples.shares) for setting, values in probabilities.items()}
    best = max(probabilities, key=lambda setting: (scores[setting], -surprise[setting]))
    measure = "mAP" if _several(samples.shares) else "top-1"
    return Choice(best, f"chosen on {on} ({measure} {scores[best]:.1%})")


def _several(shares: Floats) -> bool:
    return bool(((shares > 0).sum(1) > 1).any())


def _score(probabilities: Floats, shares: Floats) -> float:
    if _several(shares):
        return mean_average_precision(probabilities, shares > 0)
    return float(top_k_hits(probabilities, shares.argmax(1), 1).mean())


def _surprise(probabilities: Floats, shares: Floats) -> float:
    """The mean cross-entropy."""
    return float(-(shares * np.log(np.maximum(probabilities, LEAST_PROBABILITY))).sum(1).mean())
