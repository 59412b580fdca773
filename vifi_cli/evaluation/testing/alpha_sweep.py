"""Accuracy between a plain model and a tuned one, in steps of alpha (Wortsman et al., WiSE-FT, CVPR 2022)."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch

from vifi_cli.data.labeled_videos import LabeledVideos, shows_several_classes
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.multi_label import (
    mean_average_precision,
    positives_of,
)
from vifi_cli.evaluation.scoring.predictions import top_k_hits
from vifi_cli.evaluation.testing.class_texts import embed_class_names
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
from vifi_cli.model.storage.averaging import average_models
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.video.clips.store import ClipStore

ALPHAS = tuple(step / 10 for step in range(11))


@dataclass(frozen=True, slots=True)
class ClipReading:
    """How test clips are read and encoded; a store with a cache decodes each video once for all alphas."""

    store: ClipStore
    frames: int  # of a clip
    device: torch.device
    precision: Callable[[], AbstractContextManager[object]]
    # receives what is unclear about class texts, for each mixture again
    warn: Callable[[str], object] = warnings.warn


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """A mixture and its scores."""

    alpha: float  # the tuned model's share of the weights
    top1: tuple[float, ...]  # accuracy on each dataset, 0 to 1; mAP where videos show several classes

    @property
    def mean(self) -> float:
        """The mean over the datasets, with equal weights."""
        return float(np.mean(self.top1))


@dataclass(frozen=True, slots=True, repr=False)
class AlphaSweep:
    """The scores of mixtures of two models, from alpha 0 to 1."""

    data: tuple[LabeledVideos, ...]  # their test videos are scored
    points: tuple[SweepPoint, ...]
    frames: int | None = None  # of a test clip, of which each video has one

    @property
    def measure(self) -> str:
        """What is scored: `top-1`, `mAP`, or one or the other for different datasets."""
        named = {"mAP" if shows_several_classes(part.test) else "top-1" for part in self.data}
        return " or ".join(sorted(named, reverse=True)) or "top-1"

    def __repr__(self) -> str:
        names = ", ".join(part.name for part in self.data)
        return f"<AlphaSweep of {len(self.points)} mixtures on {names}: best at alpha {self.best.alpha:.1f}>"

    @property
    def best(self) -> SweepPoint:
        """The point with the highest mean; among equals the one with the highest alpha."""
        return max(self.points, key=lambda point: (point.mean, point.alpha))


def sweep(
    plain: LoadedModel,
    tuned: LoadedModel,
    data: Sequence[LabeledVideos],
    reading: ClipReading,
    watch: Callable[[int], None] = lambda more: None,
) -> Iterator[SweepPoint]:
    """Score the mixtures of two models from alpha 0 to 1 on the test videos; `watch` receives how many more are done.

    Raises:
        InvalidInput: the models cannot be merged, or no video of a set can be read.
    """
    for alpha in ALPHAS:
        mixture = average_models((plain, tuned), (1 - alpha, alpha)).model
        mixture.network.to(reading.device)
        yield SweepPoint(alpha, tuple(_top1(mixture, part, reading, watch) for part in data))


def _top1(
    model: LoadedModel, data: LabeledVideos, reading: ClipReading, watch: Callable[[int], None]
) -> float:
    preprocessing = model.card.preprocessing
    predictions = predict(
        model.network,
        embed_class_names(model, data.class_names, warn=reading.warn),
        TestClips(data.test, reading.store, reading.frames, preprocessing.geometry.height),
        range(len(data.test)),
        ClipInput(preprocessing, reading.device, reading.precision),
    )
    watch(len(data.test))
    if not len(predictions.videos):
        raise InvalidInput(
            f"none of the {len(data.test)} videos of {data.name} can be read: run `vifi data check`"
        )
    read = [data.test[video] for video in predictions.videos.tolist()]
    if shows_several_classes(data.test):
        return mean_average_precision(predictions.probabilities, positives_of(read, len(data.class_names)))
    return float(top_k_hits(predictions.probabilities, [video.label for video in read], 1).mean())
