"""Optimizer steps in the plain way of the published code, in vifi's, and in the ways between, each timed."""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from vifi_cli.data.class_names import class_names_of, clean_class_name
from vifi_cli.evaluation.testing.predicting import ClipInput
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.towers.clip_transform import center_crop, test_short_side
from vifi_cli.training.batches.mixup import soft_targets
from vifi_cli.training.engine.class_tokens import ClassTokens
from vifi_cli.training.engine.learner import Learner, freeze_statistics
from vifi_cli.training.engine.loss_and_gradients import MicroBatch
from vifi_cli.training.engine.precision import Precision, choose_precision
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.video.clips.clip_sampling import test_frame_indices
from vifi_cli.video.clips.store import ClipStore

SETS = {51: "hmdb51", 101: "ucf101", 400: "k400"}
CONTEXT, ACCUMULATION = 77, 8


@dataclass(frozen=True, slots=True)
class Way:
    """A way to take a step: what it has of vifi's."""

    name: str
    keeps_clips: bool
    fused_attention: bool
    cuts_padding: bool
    embeds_classes_once: bool


PLAIN = Way("plain", False, False, False, False)
LADDER = (
    PLAIN,
    Way("decoded clips kept", True, False, False, False),
    Way("and fused attention", True, True, False, False),
    Way("and padding cut off", True, True, True, False),
    Way("and classes embedded once a step: vifi", True, True, True, True),
)
VIFI = LADDER[-1]


@dataclass(frozen=True, slots=True)
class Case:
    """What a row measures.

    Of `rounds` of each way the first is a warm-up, unless it is the only one. `measured` micro-batches of the
    ACCUMULATION are taken, and their time counts for the others. The plain way is timed with the first
    `plain_classes` where all would not fit into memory, and the time of its texts scaled.
    """

    model: str
    classes: int
    clips: int
    frames: int
    measured: int = ACCUMULATION
    rounds: int = 3
    plain_classes: int = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one micro-batch, and of the rest of a step: the optimizer, and vifi's text pass."""

    micro_batch: float
    rest: float

    @property
    def step(self) -> float:
        return self.rest + ACCUMULATION * self.micro_batch


class Laps:
    """Takes the time of each micro-batch, and of the whole."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._seconds = device, list[float]()
        self._started = self._last = self._now()

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def begin(self) -> None:
        self._last = self._now()

    def end(self) -> None:
        self._seconds.append(self._now() - self._last)
        self._last += self._seconds[-1]

    def finish(self) -> Timing:
        rest = self._now() - self._started - sum(self._seconds)
        return Timing(statistics.mean(self._seconds), rest)


class Training:
    """A model about to learn from a few videos."""

    def __init__(
        self,
        model: LoadedModel,
        case: Case,
        videos: Sequence[Path],
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.case, self._device, self._dtype, self._videos = case, device, dtype, videos
        names = class_names_of(SETS[case.classes])
        tokens = model.tokenizer([f"a photo of a {clean_class_name(name)}." for name in names]).to(device)
        self._cut, self._padded = tokens, F.pad(tokens, (0, CONTEXT - tokens.shape[1]))
        preprocessing = model.card.preprocessing
        self._size = preprocessing.geometry.height
        short_side = test_short_side(self._size)
        self._store = ClipStore(short_side)
        self._kept = ClipStore(short_side, folder=videos[0].parent / "kept", budget_bytes=1 << 30)
        is_exact = dtype is torch.float64
        self._precision = Precision(device, None) if is_exact else choose_precision("auto", device)
        self._enter = ClipInput(preprocessing, device, self._precision)
        self._learner = Learner(
            model.network.to(device, dtype),
            ClassTokens(tokens, (1,) * len(names)),
            make_recipe("supervised"),
            Processes(0, 1, device),
            self._precision,
        )

    def step(self, way: Way) -> tuple[float, Timing]:
        """Take a step: the loss, and how long it took. The gradients are left where they are."""
        laps = Laps(self._device)
        with nullcontext() if way.fused_attention else sdpa_kernel(SDPBackend.MATH):
            micro_batches = self._micro_batches(way, laps)
            if way.embeds_classes_once:
                loss = self._learner.gather_gradients(micro_batches, self.case.clips * self.case.measured)
            else:
                loss = self._plain_gradients(micro_batches, self._cut if way.cuts_padding else self._padded)
        self._learner.step(learning_rate=0.0)
        return loss, laps.finish()

    def _plain_gradients(self, micro_batches: Iterator[MicroBatch], tokens: Tensor) -> float:
        network, total = self._learner.network, torch.zeros((), dtype=self._dtype, device=self._device)
        freeze_statistics(network)
        self._learner.optimizer.zero_grad(set_to_none=True)
        for micro in micro_batches:
            with self._precision():
                logits = network(micro.clips, tokens[: micro.targets.shape[1]])
            loss = F.cross_entropy(logits, micro.targets) / self.case.measured
            torch.autograd.backward(self._learner.scaler.scale(loss))
            total += loss.detach()
        return float(total)

    def _micro_batches(self, way: Way, laps: Laps) -> Iterator[MicroBatch]:
        case, store = self.case, self._kept if way.keeps_clips else self._store
        classes = case.plain_classes if case.plain_classes and way is PLAIN else case.classes
        laps.begin()
        for number in range(case.measured):
            drawn = [(number * case.clips + place) % len(self._videos) for place in range(case.clips)]
            clips = self._enter(torch.stack([self._read(store, self._videos[video]) for video in drawn]))
            labels = torch.tensor([video * 7 % classes for video in drawn], device=self._device)
            targets = soft_targets(labels, classes, 0.1).to(self._dtype)
            weights = torch.ones(case.clips, device=self._device)
            yield MicroBatch(clips.to(self._dtype), targets, weights, number == case.measured - 1)
            laps.end()

    def _read(self, store: ClipStore, path: Path) -> Tensor:
        pixels = store.read(path, lambda total: test_frame_indices(total, self.case.frames))
        return center_crop(pixels, self._size)

    def reading_seconds(self, way: Way) -> float:
        """The mean over the videos."""
        started = time.perf_counter()
        for path in self._videos:
            self._read(self._kept if way.keeps_clips else self._store, path)
        return (time.perf_counter() - started) / len(self._videos)

    def gradients(self) -> dict[str, Tensor]:
        """A copy of what the last step left."""
        tuned = self._learner.tuned.items()
        return {name: parameter.grad.clone() for name, parameter in tuned if parameter.grad is not None}


@dataclass(frozen=True, slots=True)
class Result:
    """Median times by way; the differences between the first and the last, relative; None if not comparable."""

    case: Case
    timings: dict[str, Timing]
    loss_difference: float | None
    gradient_difference: float | None


def compare(training: Training, ways: Sequence[Way]) -> Result:
    """Take steps in turns. Losses and gradients of the first way and the last are compared."""
    case, (first, *_, last) = training.case, (way.name for way in ways)
    timings: dict[str, list[Timing]] = {way.name: [] for way in ways}
    losses, gradients = {}, {}
    for number in range(case.rounds):
        for way in ways:
            losses[way.name], timing = training.step(way)
            timings[way.name].append(timing)
            if number == 0 and way.name in (first, last):
                gradients[way.name] = training.gradients()
    medians = {name: _median(found[1:] or found) for name, found in timings.items()}
    if case.plain_classes:
        return Result(case, medians | {first: _scaled(medians[first], medians[last], case)}, None, None)
    loss = abs(losses[last] - losses[first]) / abs(losses[first])
    return Result(case, medians, loss, _largest_difference(gradients[last], gradients[first]))


def _median(timings: Sequence[Timing]) -> Timing:
    """Of an even number the faster one in the middle."""
    return sorted(timings, key=lambda timing: timing.step)[(len(timings) - 1) // 2]


def _scaled(plain: Timing, vifi: Timing, case: Case) -> Timing:
    """The plain way with all classes: its texts take what vifi's micro-batch, clips alone, does not."""
    texts = (plain.micro_batch - vifi.micro_batch) * case.classes / case.plain_classes
    return replace(plain, micro_batch=vifi.micro_batch + texts)


def _largest_difference(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest difference of an element relative to the largest element of its tensor."""
    assert found.keys() == expected.keys()
    return max(
        float((found[name] - gradient).abs().max() / gradient.abs().max().clamp_min(1e-30))
        for name, gradient in expected.items()
    )
