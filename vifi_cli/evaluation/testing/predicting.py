"""Predictions and embeddings of videos, from the published test clip or from several views."""

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vifi_cli import stop_signals
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import UnreadableVideo
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.testing.frame_features import FrameFeatures, digest_of
from vifi_cli.evaluation.testing.views import ONE_VIEW, Views
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.towers.clip_transform import normalized
from vifi_cli.model.towers.vifi_clip import ViFiCLIP, unit_length
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.video.workers.isolated_worker import END_SECONDS, starting_process

Embeddings = npt.NDArray[np.float32]
BadVideo = tuple[int, str]
"""The number of a video that cannot be read, and the reason."""
EncodedBatch = tuple[list[int], Tensor, list[BadVideo]]
"""The numbers of the readable videos of a batch, their embeddings, and the other videos."""


@dataclass(frozen=True, slots=True)
class TestClip:
    """The views of a video, uint8 (V, T, 3, S, S), or the embeddings of their frames, float32 (V, T, D).

    Neither is there if the video cannot be read. `key` is the name of the embeddings, where they are to be kept.
    """

    video: int
    pixels: Tensor | None
    reason: str = ""
    features: Tensor | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TestClips(Dataset[TestClip]):
    """The test clips of videos; by default the published ones, with T frames spread evenly.

    `store` reads frames scaled to `views.short_side(size)`; `size` is S, the side of the encoder's input. `batch` is
    how many views are encoded at once; it changes results by rounding only. `workers` are the processes that read the
    videos. `features` has the embeddings of videos that the network, whose image tower must be the one they are from,
    has encoded before; it keeps those of the others.
    """

    videos: Sequence[LabeledVideo]
    store: ClipStore
    frames: int
    size: int
    views: Views = ONE_VIEW
    batch: int = 4
    workers: int = 0
    features: FrameFeatures | None = None

    def __getitem__(self, video: int) -> TestClip:
        key = self._key(video) if self.features else None
        if self.features and key and (known := self.features.read(key)) is not None:
            return TestClip(video, None, features=torch.from_numpy(known))
        try:
            pixels = self.store.read(
                self.videos[video].path,
                lambda total: self.views.frame_indices(total, self.frames, video),
                self.videos[video].part,
            )
        except UnreadableVideo as error:
            return TestClip(video, None, str(error))
        return TestClip(video, self.views.cut(pixels, self.size), key=key)

    def _key(self, video: int) -> str | None:
        """A name for the views of a video: its content, which frames of it, which crops; None if it is missing."""
        content = self.store.content_key(self.videos[video].path, self.videos[video].part)
        drawn = (self.views.seed, video) if self.views.drawn and self.views.clips > 1 else None
        facts = {"content": content, "frames": self.frames, "size": self.size, "views": str(self.views)}
        return digest_of({**facts, "drawn": drawn}) if content else None


@dataclass(frozen=True, slots=True)
class ClipInput:
    """How clips enter an encoder; `precision` enters its arithmetic."""

    preprocessing: Preprocessing
    device: torch.device
    precision: Callable[[], AbstractContextManager[object]]

    def __call__(self, pixels: Tensor) -> Tensor:
        """Pixels uint8 (..., 3, S, S) on the device, normalized: float32."""
        on_device = pixels.to(self.device, non_blocking=True)
        return normalized(on_device, self.preprocessing.mean, self.preprocessing.std)

    @property
    def arithmetic(self) -> str:
        """The device and the type of numbers that products are computed in: `cpu float32`."""
        kind = self.device.type
        with self.precision():
            dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
        return f"{kind} {dtype}".replace("torch.", "")


def started(loader: DataLoader[Any]) -> Iterator[Any]:
    """The batches of a loader whose processes leave stop signals to this one and do not run the program's script again.

    A signal to all processes would end them at once, and with them the step that training wants to finish and save.
    When the batches are not read to their end, the processes are killed: torch would wait up to 5 seconds for each.
    """
    if not loader.num_workers:
        yield from loader
        return
    others = set(multiprocessing.active_children())
    with starting_process():
        batches = iter(loader)
    readers = set(multiprocessing.active_children()) - others
    try:
        yield from batches
    finally:
        _kill(readers)


def _kill(readers: Iterable[BaseProcess]) -> None:
    """Kills processes that hold nothing worth keeping, without letting torch take them for crashed ones."""
    by_torch = None
    if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
        by_torch = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        for reader in readers:
            reader.kill()
            reader.join(END_SECONDS)
    finally:
        if sys.platform != "win32" and by_torch is not None:
            signal.signal(signal.SIGCHLD, by_torch)


@torch.inference_mode()
def encode_views(
    network: ViFiCLIP, clips: TestClips, chosen: Sequence[int], enter: ClipInput
) -> Iterator[EncodedBatch]:
    """Embeds the views of the chosen videos: (B, V, D), of `decision` fusion (B, V, T, D).

    The network, on the device of `enter`, is left in evaluation mode.
    """
    network.eval()
    # a clip alone on a CPU, where it takes as long, so that its embeddings do not depend on which others are known
    at_once = 1 if enter.device.type == "cpu" else clips.batch
    loader: DataLoader[TestClip] = DataLoader(
        clips,
        batch_size=max(1, clips.batch // clips.views.count),
        sampler=chosen,
        num_workers=clips.workers,
        worker_init_fn=stop_signals.leave_to_parent,
        multiprocessing_context="spawn" if clips.workers else None,
        collate_fn=list,
    )
    for members in started(loader):
        bad = [(clip.video, clip.reason) for clip in members if clip.pixels is None and clip.features is None]
        good = [clip for clip in members if clip.pixels is not None or clip.features is not None]
        if not good:
            yield [], torch.zeros(0), bad
            continue
        known = _frame_embeddings(network, good, enter, at_once)
        if clips.features:
            clips.features.reused += sum(clip.features is not None for clip in good)
            for clip, embeddings in zip(good, known, strict=True):
                if clip.key:
                    clips.features.write(clip.key, embeddings.cpu().numpy())
        pooled = network.pool_frames(known.flatten(0, 1))
        yield [clip.video for clip in good], pooled.view(*known.shape[:2], *pooled.shape[1:]), bad


def _frame_embeddings(network: ViFiCLIP, clips: Sequence[TestClip], enter: ClipInput, at_once: int) -> Tensor:
    """The frame embeddings of readable clips, known or encoded now: float32 (B, V, T, D)."""
    pixels = [clip.pixels for clip in clips if clip.pixels is not None]
    encoded: Iterator[Tensor] = iter(())
    if pixels:
        views = torch.stack(pixels)
        with enter.precision():
            parts = [network.encode_frames(enter(some)) for some in torch.split(views.flatten(0, 1), at_once)]
        embeddings = torch.cat(parts).float()
        encoded = iter(embeddings.view(*views.shape[:2], *embeddings.shape[1:]))
    return torch.stack(
        [next(encoded) if clip.features is None else clip.features.to(enter.device) for clip in clips]
    )


def encode_videos(
    network: ViFiCLIP, clips: TestClips, chosen: Sequence[int], enter: ClipInput
) -> Iterator[EncodedBatch]:
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
    watch: Callable[[int], object] = lambda done: None,
) -> Predictions:
    """Predicts the classes of videos: the mean of the probabilities of their views.

    `classes` are embeddings (C, D), of length 1, and `chosen` the numbers of the videos, ascending. The network, on the
    device of `enter`, is left in evaluation mode. `watch` receives how many videos are done.

    Source: ViFi-CLIP's `main.py`, which sums the views' softmax.
    """

    def shares(views: Tensor) -> Tensor:
        logits = network.class_logits(views.flatten(0, 1), classes).float()
        return logits.softmax(-1).view(*views.shape[:2], -1).mean(1)

    return Predictions(*_gathered(encode_views(network, clips, chosen, enter), shares, len(classes), watch))


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedVideos:
    """Embeddings float32 (N, D), of length 1, of the readable videos, whose numbers int64 (N,) ascend.

    `unreadable` has the numbers of the others, each with the reason.
    """

    videos: npt.NDArray[np.int64]
    embeddings: Embeddings
    unreadable: tuple[BadVideo, ...] = ()

    def __repr__(self) -> str:
        count, dimensions = self.embeddings.shape
        return f"EmbeddedVideos({count} x {dimensions}, {len(self.unreadable)} unreadable)"

    def embeddings_of(self, videos: Sequence[int]) -> Embeddings:
        """The embeddings of some readable videos, by their numbers."""
        return self.embeddings[np.searchsorted(self.videos, videos)]


def embed_videos(
    network: ViFiCLIP,
    clips: TestClips,
    enter: ClipInput,
    watch: Callable[[int], object] = lambda done: None,
) -> EmbeddedVideos:
    """Embeds each video by a test clip of one view; `watch` receives how many are done.

    `decision` fusion has no embedding of a video, so the mean over its frames is used.
    """

    def pooled(encoded: Tensor) -> Tensor:
        return unit_length(encoded.mean(1)) if network.fusion == "decision" else encoded

    batches = encode_videos(network, clips, range(len(clips.videos)), enter)
    return EmbeddedVideos(*_gathered(batches, pooled, 1, watch))


def _gathered(
    batches: Iterator[EncodedBatch],
    finish: Callable[[Tensor], Tensor],
    columns: int,
    watch: Callable[[int], object],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], tuple[BadVideo, ...]]:
    """The numbers of the readable videos, their finished embeddings, and the unreadable videos."""
    videos: list[int] = []
    parts: list[Tensor] = []
    unreadable: list[BadVideo] = []
    for numbers, embeddings, bad in batches:
        if numbers:
            videos += numbers
            parts.append(finish(embeddings).cpu())
        unreadable += bad
        watch(len(videos) + len(unreadable))
    values = torch.cat(parts).numpy() if parts else np.zeros((0, columns), np.float32)
    return np.array(videos, np.int64), values, tuple(unreadable)
