"""What a run would need, found out by a few of its steps; only caches are written."""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.errors import UnreadableVideo
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.training.batches.epoch_plan import RunPlan
from vifi_cli.training.engine.frozen_towers import embed_once
from vifi_cli.training.engine.loss_and_gradients import MicroBatch
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.training.engine.resources import peak_memory, peak_memory_of_readers
from vifi_cli.training.engine.saved_tensors import SavedTensors
from vifi_cli.training.fine_tuning import FineTuning
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.size import RunSize, length_of
from vifi_cli.training.run.state import copied_state

LONGEST_SECONDS = 20.0  # of the timed steps, unless the first takes longer
TIMED_STEPS, SCORED_VIDEOS = 4, 8


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that a process of a run takes at the same time."""

    weights: int
    gradients: int
    optimizer: int
    average: int  # of weights, with ema_decay
    activations: int  # of one micro-batch, and of the class texts
    gpu_peak: int | None  # measured on a GPU, everything included
    # the same in main memory, with Python, libraries, copies while saving, and reading processes; None on Windows
    main_peak: int | None

    @property
    def total(self) -> int:
        """The peak where training takes place, or the sum of the parts where none can be measured."""
        parts = self.weights + self.gradients + self.optimizer + self.average + self.activations
        measured = self.main_peak if self.gpu_peak is None else self.gpu_peak
        return parts if measured is None else measured


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes that a run takes on disk."""

    models: int  # best/ and last/
    state: int
    clip_cache: int  # of all training videos, at most what runtime.clip_cache_gb allows


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, measured on a few steps and videos, reading included."""

    encoding: float  # of all training videos once, where that comes first
    step: float
    video: float  # to score it
    total: float

    @classmethod
    def of(
        cls, step: float, video: float, recipe: Recipe, data: LabeledVideos, plan: RunPlan, processes: int
    ) -> Self:
        """The times of a run whose steps and videos take so long; a frozen image tower sees each video once."""
        encoding = video * -(-plan.videos // processes) if recipe.embeds_clips_once() else 0.0
        scored = length_of(recipe, data, plan, processes).videos_to_score
        if recipe.tune == "text":
            scored = -(-len({*data.val, *data.test}) // processes)
        return cls(encoding, step, video, encoding + step * plan.total_steps + scored * video)


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run would do and need."""

    size: RunSize
    precision: str
    memory: Memory
    disk: Disk
    seconds: Times


@dataclass(frozen=True, slots=True)
class _TimedSteps:
    """Steps of a trial: bytes at their peaks, and seconds."""

    activations: int
    gpu_peak: int | None
    readers_peak: int  # of processes that read clips during the steps
    seconds: list[float]  # of each step


class TrialRun(FineTuning):
    """A run that is not carried out: it takes a few steps in memory, and forgets them."""

    def estimate(self) -> RunEstimate:
        """Take steps and score videos for some seconds; errors are those of a run before its first step."""
        recipe, plan = self._config.recipe, self._plan
        embeds_once = recipe.embeds_clips_once()
        # a few videos that an earlier estimate has left in the cache would stand for all
        self._clips = replace(self._clips, features=None)
        self._validation = replace(self._validation, clips=self._clips)
        clip_bytes = self._clip_cache_bytes()
        trial = self._timed_embedded_steps() if embeds_once else self._timed_steps()
        step, video = statistics.median(trial.seconds[1:] or trial.seconds), self._video_seconds()
        times = Times.of(step, video, recipe, self._data, plan, self._processes.count)
        learned = _bytes_of(self._learner.tuned.values())
        average = _bytes_of(self._learner.average.values())
        network = self._learner.network
        memory = Memory(
            _bytes_of([*network.parameters(), *network.buffers()]),
            learned,
            2 * learned,
            average,
            trial.activations,
            trial.gpu_peak,
            self._main_peak(trial.readers_peak),
        )
        kept = _bytes_of(self._learner.state().values())
        disk = Disk(2 * kept, kept + 2 * learned + average, clip_bytes)
        precision = choose_precision(recipe.runtime.precision, self._processes.device)
        name = str(precision.dtype or torch.float32).removeprefix("torch.")
        return RunEstimate(self.size, name, memory, disk, times)

    def _main_peak(self, readers_peak: int) -> int | None:
        """The peak of this process once it has also done what takes memory at the end of an epoch and of a run."""
        if self._processes.is_first:
            copied_state(self._learner)
            load_vifi_clip(resolve_model(self._config.model))  # as the best model is, to be tested
        peak = peak_memory()
        return None if peak is None else peak + readers_peak

    def _timed_steps(self) -> _TimedSteps:
        counts, seconds, began = self._activations(), list[float](), time.perf_counter()
        steps = self._steps(0)
        with counts.counted():
            while len(seconds) < TIMED_STEPS and time.perf_counter() - began < LONGEST_SECONDS:
                before = time.perf_counter()
                if (report := next(steps, None)) is None:
                    break
                self._bad.note(report.bad)
                seconds.append(time.perf_counter() - before)
                if self._processes.total(time.perf_counter() - began > LONGEST_SECONDS)[0]:
                    break  # all processes after the same step
        return _TimedSteps(counts.most_bytes, self._gpu_peak(), peak_memory_of_readers(), seconds)

    def _timed_embedded_steps(self) -> _TimedSteps:
        """The same for steps on embeddings: those of a few videos stand for those of all."""
        learner, recipe, counts = self._learner, self._config.recipe, self._activations()
        few = range(min(SCORED_VIDEOS, self._plan.videos))
        rows = list(embed_once(learner.network, self._clips, few, self._enter).embeddings.values())
        count, classes = min(recipe.effective_batch, self._plan.videos), len(self._data.class_names)
        device, seconds = self._processes.device, list[float]()
        for number in range(TIMED_STEPS if rows else 0):
            before = time.perf_counter()
            clips = torch.stack([rows[place % len(rows)] for place in range(count)]).to(device)
            targets = torch.full((count, classes), 1 / classes, device=device)
            micro = MicroBatch(clips, targets, torch.ones(count, device=device), is_last=True)
            with counts.counted():
                learner.gather_gradients([micro], count * self._processes.count)
            learner.step(0.0, number)
            seconds.append(time.perf_counter() - before)
        return _TimedSteps(counts.most_bytes, self._gpu_peak(), 0, seconds or [0.0])

    def _activations(self) -> SavedTensors:
        if self._processes.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._processes.device)
        network = self._learner.network
        return SavedTensors([*network.parameters(), *network.buffers()])

    def _gpu_peak(self) -> int | None:
        device = self._processes.device
        return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None

    def _video_seconds(self) -> float:
        """The time that a process needs to score a video."""
        videos = (self._data.val or self._data.test or self._data.train)[:SCORED_VIDEOS]
        few = replace(self._validation, data=replace(self._data, val=videos, test=()))
        classes = self._learner.embed_classes()
        before = time.perf_counter()
        few.score(self._learner.network, classes)
        return (time.perf_counter() - before) / -(-len(videos) // self._processes.count)

    def _clip_cache_bytes(self) -> int:
        """The space of all training videos in the cache of clips, by a few of them."""
        most = int(self._config.recipe.runtime.clip_cache_gb * 1e9)
        if not most:
            return 0
        train = self._data.train
        known = [
            size
            for video in train[:: max(1, len(train) // SCORED_VIDEOS)]
            if (size := self._clip_bytes(video))
        ]
        return min(most, int(statistics.mean(known) * len(train))) if known else 0

    def _clip_bytes(self, video: LabeledVideo) -> int:
        totals: list[int] = []

        def first(total: int) -> npt.NDArray[np.int64]:
            totals.append(total)
            return np.zeros(1, np.int64)

        try:
            pixels = self._clips.store.read(video.path, first, video.part)
        except UnreadableVideo:
            return 0
        return totals[0] * int(pixels[0].size)


def _bytes_of(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
