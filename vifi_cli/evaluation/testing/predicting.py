"""Predictions for videos: one per video, from the published test clip or from several views."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import UnreadableVideo
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.testing.views import ONE_VIEW, Views
from vifi_cli.model.towers.clip_transform import normalized
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.video.workers.isolated import starting_process

Statistics = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TestClip:
    """What is tested of a video.

    Attributes:
        video: its number.
        pixels: of each view, uint8 (V, T, 3, S, S); None if the video cannot be read.
        reason: why it cannot be read.
    """

    video: int
    pixels: Tensor | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TestClips(Dataset[TestClip]):
    """The test clips of videos; by default the published ones, with T frames spread evenly.

    Attributes:
        videos: to test.
        store: reads their frames, scaled to `views.short_side(size)`.
        frames: T.
        size: S, side of the encoder's input.
        views: of each video.
        batch: views encoded at once; it changes results by rounding only.
        workers: processes that read the videos.
    """

    videos: Sequence[LabeledVideo]
    store: ClipStore
    frames: int
    size: int
    views: Views = ONE_VIEW
    batch: int = 4
    workers: int = 0

    def __getitem__(self, video: int) -> TestClip:
        try:
            pixels = self.store.read(
                self.videos[video].path, lambda total: self.views.frame_indices(total, self.frames, video)
            )
        except UnreadableVideo as error:
            return TestClip(video, None, str(error))
        return TestClip(video, self.views.cut(pixels, self.size))


@dataclass(frozen=True, slots=True)
class ClipInput:
    """How clips enter an encoder.

    Attributes:
        mean: of each colour, subtracted from pixels scaled to 0..1.
        std: of each colour, divided by.
        device: of the encoder.
        precision: enters its arithmetic.
    """

    mean: Statistics
    std: Statistics
    device: torch.device
    precision: Callable[[], AbstractContextManager[object]]

    def __call__(self, pixels: Tensor) -> Tensor:
        """Pixels uint8 (..., 3, S, S) on the device, normalised: float32."""
        return normalized(pixels.to(self.device, non_blocking=True), self.mean, self.std)


def started(loader: DataLoader[Any]) -> Iterator[Any]:
    """The batches of a loader whose processes ignore Ctrl-C and do not run the program's script again.

    Ctrl-C would end them at once, and with them the step that training wants to finish and save.
    """
    if not loader.num_workers:
        return iter(loader)
    with starting_process():
        return iter(loader)


@torch.inference_mode()
def encode_views(
    network: ViFiCLIP, clips: TestClips, chosen: Sequence[int], enter: ClipInput
) -> Iterator[tuple[list[int], Tensor, list[tuple[int, str]]]]:
    """Embeds videos batch by batch.

    Args:
        network: on the device of `enter`; left in evaluation mode.
        clips: of the videos.
        chosen: numbers of the videos to embed; each is embedded once.
        enter: how clips enter the encoder.

    Yields:
        Numbers of the videos of a batch, their embeddings (B, V, D), of `decision` fusion (B, V, T, D), and numbers
        and reasons of the videos that cannot be read.
    """
    network.eval()
    loader: DataLoader[TestClip] = DataLoader(
        clips,
        batch_size=max(1, clips.batch // clips.views.count),
        sampler=chosen,
        num_workers=clips.workers,
        multiprocessing_context="spawn" if clips.workers else None,
        collate_fn=list,
    )
    for members in started(loader):
        bad = [(clip.video, clip.reason) for clip in members if clip.pixels is None]
        good = [(clip.video, clip.pixels) for clip in members if clip.pixels is not None]
        if good:
            views = torch.stack([pixels for _, pixels in good])
            with enter.precision():
                encoded = [
                    network.encode_clips(enter(some))
                    for some in torch.split(views.flatten(0, 1), clips.batch)
                ]
            embeddings = torch.cat(encoded).float()
            yield [video for video, _ in good], embeddings.view(*views.shape[:2], *embeddings.shape[1:]), bad
        else:
            yield [], torch.zeros(0), bad


def encode_videos(
    network: ViFiCLIP, clips: TestClips, chosen: Sequence[int], enter: ClipInput
) -> Iterator[tuple[list[int], Tensor, list[tuple[int, str]]]]:
    """`encode_views` of videos with a single view: embeddings are (B, D), of `decision` fusion (B, T, D)."""
    if clips.views.count != 1:
        raise ValueError(f"one view of a video is wanted, not {clips.views.count}")
    for numbers, embeddings, bad in encode_views(network, clips, chosen, enter):
        yield numbers, embeddings.flatten(0, 1) if numbers else embeddings, bad


@torch.inference_mode()
def predict(
    network: ViFiCLIP,
    classes: Tensor,
    clips: TestClips,
    chosen: Sequence[int],
    enter: ClipInput,
    watch: Callable[[int], None] = lambda done: None,
) -> Predictions:
    """Predicts the classes of videos: the mean of the probabilities of their views.

    Args:
        network: on the device of `enter`; left in evaluation mode.
        classes: class embeddings (C, D), of length 1.
        clips: of the videos.
        chosen: numbers of the videos to predict, ascending; each is predicted once.
        enter: how clips enter the encoder.
        watch: receives how many videos are done.

    Source: ViFi-CLIP's `main.py`, which sums the views' softmax.
    """
    videos: list[int] = []
    shares: list[Tensor] = []
    unreadable: list[tuple[int, str]] = []
    for numbers, embeddings, bad in encode_views(network, clips, chosen, enter):
        if numbers:
            videos += numbers
            logits = network.class_logits(embeddings.flatten(0, 1), classes).float()
            shares.append(logits.softmax(-1).view(*embeddings.shape[:2], -1).mean(1).cpu())
        unreadable += bad
        watch(len(videos) + len(unreadable))
    probabilities = torch.cat(shares).numpy() if shares else np.zeros((0, len(classes)), np.float32)
    return Predictions(np.array(videos, np.int64), probabilities, tuple(unreadable))
