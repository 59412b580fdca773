"""Classes over time: probabilities in windows along a video, and the spans that one class fills.

Windows overlap by half. Each represents the time that is closer to its middle than to the middles of its neighbors:

    window 0     |-----.-----|
    window 1           |-----.-----|
    window 2                 |-----.-----|
    represents   |000000001111112222222222|
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vifi_cli.evaluation.testing.predicting import ClipInput
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.video.decode.decoder import decode_frames
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.pictures.frames import FrameGeometry, Frames

FRAMES = 8
WINDOW_SECONDS = 2.0

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class WindowSampling:
    """The length of windows (a shorter video has a single one), and frames per window."""

    seconds: float = WINDOW_SECONDS
    frames: int = FRAMES

    @property
    def frame_sampling(self) -> FrameSampling:
        """The same for the decoder."""
        return FrameSampling(self.frames / self.seconds, self.frames)


@dataclass(frozen=True, slots=True, eq=False)
class ClassifiedWindow:
    """The time that a window represents, and its class probabilities, float32 (C,)."""

    start_seconds: float
    end_seconds: float
    probabilities: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClassSpan:
    """A part of a video with the same most probable class; `probability` is the mean over its windows."""

    start_seconds: float
    end_seconds: float
    class_name: str
    label: int
    probability: float


def frames_of(card: ModelCard) -> int:
    """Frames of a test clip: as many as in the model's training, or 8 if that is unknown."""
    return card.trained_frames or FRAMES


@torch.inference_mode()
def classify_over_time(
    network: ViFiCLIP,
    classes: Tensor,
    path: Path,
    geometry: FrameGeometry,
    enter: ClipInput,
    sampling: WindowSampling,
) -> tuple[ClassifiedWindow, ...]:
    """Classifies each window of a video, in order of time, by class embeddings (C, D) of length 1.

    The network, on the device of `enter`, is left in evaluation mode; it embeds each frame once.

    Raises:
        UnreadableVideo: no frame can be decoded; the message gives the reason without the path.
    """
    network.eval()
    end_seconds = 0.0

    def encoded() -> Iterator[tuple[float, Tensor]]:
        nonlocal end_seconds
        for chunk in decode_frames(path, sampling.frame_sampling, geometry):
            if isinstance(chunk, Frames):
                end_seconds = float(chunk.seconds[-1])
                yield from zip(chunk.seconds.tolist(), _encoded(network, chunk, enter), strict=True)
            else:
                end_seconds = max(end_seconds, chunk.duration_seconds)

    half = sampling.seconds / 2
    shares = {
        number: _probabilities(network, classes, torch.stack(members), enter)
        for number, members in sliding_windows(encoded(), half)
    }
    starts = [0.0, *((number + 0.5) * half for number in list(shares)[1:])]
    ends = [*starts[1:], end_seconds]
    return tuple(ClassifiedWindow(*window) for window in zip(starts, ends, shares.values(), strict=True))


def sliding_windows(items: Iterable[tuple[float, Item]], half: float) -> Iterator[tuple[int, list[Item]]]:
    """Groups items, with their seconds in ascending order, into windows; holds at most one window of them.

    Yields the number k of a window, and the items at k half <= seconds < (k + 2) half. Windows without an item are
    skipped, as is everything after the first window that reaches the end.
    """
    held: list[tuple[float, Item]] = []
    number = 0
    for seconds, item in items:
        while held and seconds >= (number + 2) * half:
            yield number, [member for _, member in held]
            number += 1
            held = [entry for entry in held if entry[0] >= number * half]
        if not held:
            number = max(number, int(seconds // half))
        held.append((seconds, item))
    if held:
        yield number, [member for _, member in held]


def class_spans(windows: Sequence[ClassifiedWindow], class_names: Sequence[str]) -> tuple[ClassSpan, ...]:
    """Joins consecutive windows with the same most probable class."""
    spans = []
    for label, group in groupby(windows, key=lambda window: int(window.probabilities.argmax())):
        members = list(group)
        mean = float(np.mean([window.probabilities[label] for window in members]))
        start, end = members[0].start_seconds, members[-1].end_seconds
        spans.append(ClassSpan(start, end, class_names[label], label, mean))
    return tuple(spans)


def _encoded(network: ViFiCLIP, frames: Frames, enter: ClipInput) -> Tensor:
    """What is kept of frames until their window is complete: embeddings (T, D), or pictures to average."""
    pixels = torch.from_numpy(frames.pixels).permute(0, 3, 1, 2)
    if network.fusion == "image":
        return pixels
    with enter.precision():
        return network.encode_frames(enter(pixels)[None])[0].float()


def _probabilities(
    network: ViFiCLIP, classes: Tensor, members: Tensor, enter: ClipInput
) -> npt.NDArray[np.float32]:
    if network.fusion == "image":
        with enter.precision():
            video = network.encode_clips(enter(members)[None]).float()
    else:
        video = network.pool_frames(members[None])
    shares: npt.NDArray[np.float32] = (
        network.class_logits(video, classes).float().softmax(-1)[0].cpu().numpy()
    )
    return shares
