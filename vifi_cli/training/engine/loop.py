"""The training loop: takes optimizer steps and reports each."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import TrainingDiverged
from vifi_cli.evaluation.testing.predicting import ClipInput
from vifi_cli.training.batches.epoch_plan import RunPlan, StepPlan
from vifi_cli.training.batches.loading import BadClip, ClipGroup
from vifi_cli.training.batches.mixup import mix_clips, soft_targets
from vifi_cli.training.engine.distributed import Processes
from vifi_cli.training.engine.learner import Learner
from vifi_cli.training.engine.loss_and_gradients import MicroBatch, cut_into_micro_batches
from vifi_cli.training.recipe.learning_rate import Schedule
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.wording import first_of

MOST_NAMED = 8  # of the videos of a step that diverges


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimizer step, on all processes together."""

    epoch: int  # from 0
    step: int  # from 0 in its epoch
    steps_per_epoch: int
    epochs: int
    loss: float  # mean over the clips
    learning_rate: float
    clips: int
    bad: tuple[BadClip, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchMaking:
    """How groups of clips become micro-batches."""

    recipe: Recipe
    classes: int
    micro_batch: int  # clips encoded at once
    enter: ClipInput

    def micro_batches(self, plan: StepPlan, groups: Iterator[ClipGroup]) -> Iterator[MicroBatch]:
        """This process's micro-batches of a step."""
        clips = sum(len(group.draws) for group in plan.groups)
        mixed = (self._mixed(group) for group in groups)
        return cut_into_micro_batches(mixed, self.micro_batch, clips)

    def _mixed(self, group: ClipGroup) -> tuple[Tensor, Tensor, Tensor]:
        is_pixels = group.clips.dtype == torch.uint8
        clips = self.enter(group.clips) if is_pixels else group.clips.to(self.enter.device)
        labels = group.labels.to(self.enter.device)
        mixing, first = self.recipe.mixing, group.group.draws[0]
        targets = soft_targets(labels, self.classes, mixing.label_smoothing)
        generator = np.random.default_rng([self.recipe.seed, first.epoch, first.position, 2])
        clips, targets = mix_clips(clips, targets, mixing, generator)
        return clips, targets, torch.full((len(clips),), float(group.group.counts), device=clips.device)


@dataclass(frozen=True, slots=True)
class TrainingLoop:
    """Takes one optimizer step after the other."""

    learner: Learner
    plan: RunPlan
    schedule: Schedule
    making: BatchMaking
    processes: Processes
    videos: Sequence[LabeledVideo]  # to name those of a step that diverges

    def steps(self, groups: Iterator[ClipGroup], first: int = 0) -> Iterator[StepReport]:
        """Take the steps from number `first` of the run, with the clips of this process in the order of the plan.

        Between two reports nothing is half done: the caller may save, validate, or stop.

        Raises:
            TrainingDiverged: the loss of a step is not finite; the parameters are those before it.
        """
        for number, step in enumerate(
            self.plan.steps(first, self.processes.rank, self.processes.count), first
        ):
            seed = np.random.SeedSequence([self.plan.seed, number, self.processes.rank])
            torch.manual_seed(int(seed.generate_state(1)[0]))  # for models with dropout
            bad: list[BadClip] = []
            read = _noting(islice(groups, len(step.groups)), bad)
            share = self.learner.gather_gradients(self.making.micro_batches(step, read), step.clips)
            loss, unreadable = self.processes.total(share, len(bad))
            if not (math.isfinite(loss) and self.learner.has_finite_gradients()):
                raise TrainingDiverged(self._diverged(step, loss))
            rate = self.schedule.learning_rate(number)
            self.learner.step(rate)
            shares = self.processes.gather(bad) if unreadable else []
            yield StepReport(
                step.epoch,
                step.step,
                self.plan.steps_per_epoch,
                self.plan.epochs,
                loss,
                rate,
                step.clips,
                tuple(clip for of_process in shares for clip in of_process),
            )

    def _diverged(self, step: StepPlan, loss: float) -> str:
        draws = [draw for group in step.groups for draw in group.draws]
        names = first_of([str(self.videos[draw.video].path) for draw in draws], MOST_NAMED)
        return (
            f"the loss of epoch {step.epoch + 1}, step {step.step + 1} is {loss}, or its gradient is not finite; "
            f"its videos: {names}"
        )


def _noting(groups: Iterator[ClipGroup], bad: list[BadClip]) -> Iterator[ClipGroup]:
    for group in groups:
        bad.extend(group.bad)
        yield group
