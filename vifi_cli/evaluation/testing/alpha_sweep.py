"""How accuracy goes from a plain model to a tuned one, as the weights do (Wortsman et al., WiSE-FT, CVPR 2022)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.predictions import top_k_hits
from vifi_cli.evaluation.testing.class_texts import embed_class_names
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
from vifi_cli.model.folders.averaging import average_models
from vifi_cli.model.folders.loading import LoadedModel
from vifi_cli.paths import replacing
from vifi_cli.video.clips.store import ClipStore

ALPHAS = tuple(step / 10 for step in range(11))


@dataclass(frozen=True, slots=True)
class SweepData:
    """Videos to score mixtures on.

    Attributes:
        name: of the data set.
        class_names: in the order of their labels.
        videos: each scored once for each alpha.
    """

    name: str
    class_names: tuple[str, ...]
    videos: tuple[LabeledVideo, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How test clips are read and encoded.

    Attributes:
        store: reads frames; with a cache, each video is decoded once for all alphas.
        frames: T.
        device: where the networks run.
        precision: the arithmetic that they run in.
        batch: clips encoded at once.
    """

    store: ClipStore
    frames: int
    device: torch.device
    precision: Callable[[], AbstractContextManager[object]]
    batch: int = 4


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """A mixture and its scores.

    Attributes:
        alpha: the tuned model's share of the weights.
        top1: of each data set, 0 to 1.
    """

    alpha: float
    top1: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the data sets, each counting alike."""
        return float(np.mean(self.top1))


def sweep(
    plain: LoadedModel,
    tuned: LoadedModel,
    data: Sequence[SweepData],
    reading: Reading,
    watch: Callable[[int], None] = lambda more: None,
) -> Iterator[SweepPoint]:
    """Score the mixtures of two models from alpha 0 to 1, in steps of a tenth.

    Args:
        plain: the model at alpha 0.
        tuned: the model at alpha 1.
        data: sets of videos, one or more.
        reading: how clips are had; all mixtures get the same.
        watch: told how many more videos are done.

    Raises:
        InvalidInput: the models cannot be merged, or no video of a set can be read.
    """
    for alpha in ALPHAS:
        mixture = average_models((plain, tuned), (1 - alpha, alpha)).model
        mixture.network.to(reading.device)
        yield SweepPoint(alpha, tuple(_top1(mixture, part, reading, watch) for part in data))


def best_point(points: Sequence[SweepPoint]) -> SweepPoint:
    """The point with the highest mean; of several the one with the highest alpha."""
    return max(points, key=lambda point: (point.mean, point.alpha))


def draw_sweep(path: Path, names: Sequence[str], points: Sequence[SweepPoint], chosen: float) -> None:
    """Draw accuracy over alpha, a curve a data set, and the alpha that was chosen: a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    alphas = [point.alpha for point in points]
    for place, name in enumerate(names):
        axes.plot(alphas, [100 * point.top1[place] for point in points], marker="o", label=name)
    if len(names) > 1:
        axes.plot(alphas, [100 * point.mean for point in points], color="0.5", linestyle="--", label="mean")
    axes.axvline(chosen, color="0.8", zorder=0)
    axes.set(xlabel="alpha, the share of the tuned model", ylabel="top-1 in percent", ylim=(0, 101))
    axes.legend(frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _top1(model: LoadedModel, data: SweepData, reading: Reading, watch: Callable[[int], None]) -> float:
    preprocessing = model.card.preprocessing
    enter = ClipInput(preprocessing.mean, preprocessing.std, reading.device, reading.precision)
    predictions = predict(
        model.network,
        embed_class_names(model, data.class_names),
        TestClips(data.videos, reading.store, reading.frames, preprocessing.geometry.height),
        range(len(data.videos)),
        enter,
        batch=reading.batch,
    )
    watch(len(data.videos))
    if not len(predictions.videos):
        raise InvalidInput(
            f"none of the {len(data.videos)} videos of {data.name} can be read: run `vifi data check`"
        )
    labels = [data.videos[video].label for video in predictions.videos.tolist()]
    return float(top_k_hits(predictions.probabilities, labels, 1).mean())
