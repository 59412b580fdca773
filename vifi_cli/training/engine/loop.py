"""The training loop: takes optimizer steps and reports each."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import TrainingDiverged
from vifi_cli.evaluation.testing.predicting import ClipInput
from vifi_cli.training.batches.epoch_plan import RunPlan, StepPlan, make_schedule
from vifi_cli.training.batches.loading import BadClip, ClipGroup
from vifi_cli.training.batches.mixup import mix_clips, soft_targets
from vifi_cli.training.engine.learner import Learner
from vifi_cli.training.engine.loss_and_gradients import MicroBatch, MixedClips, cut_into_micro_batches
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.wording import first_of

MOST_NAMED = 8  # of the videos of a step that diverges


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

    def _mixed(self, group: ClipGroup) -> MixedClips:
        is_pixels = group.clips.dtype == torch.uint8
        clips = self.enter(group.clips) if is_pixels else group.clips.to(self.enter.device)
        labels = group.labels.to(self.enter.device)
        mixing, first = self.recipe.mixing, group.group.draws[0]
        targets = soft_targets(labels, self.classes, mixing.label_smoothing)
        generator = np.random.default_rng([self.recipe.seed, first.epoch, first.position, 2])
        clips, targets = mix_clips(clips, targets, mixing, generator)
        return clips, targets, torch.full((len(clips),), float(group.group.counts), device=clips.device)


def take_steps(
    learner: Learner,
    plan: RunPlan,
    making: BatchMaking,
    videos: Sequence[LabeledVideo],
    groups: Iterator[ClipGroup],
    first: int,
) -> Iterator[StepReport]:
    """Take the steps from number `first` of the run, with the clips of this process in the order of the plan.

    Between two reports nothing is half done: the caller may save, validate, or stop.

    Raises:
        TrainingDiverged: the loss of a step is not finite; the parameters are those before it.
    """
    processes, schedule = learner.processes, make_schedule(making.recipe, plan)
    for number, step in enumerate(plan.steps(first, processes.rank, processes.count), first):
        seed = np.random.SeedSequence([plan.seed, number, processes.rank])
        torch.manual_seed(int(seed.generate_state(1)[0]))  # for models with dropout
        bad: list[BadClip] = []
        read = _noting(islice(groups, len(step.groups)), bad)
        share = learner.gather_gradients(making.micro_batches(step, read), step.clips, number)
        loss, unreadable = processes.total(share, len(bad))
        if not (math.isfinite(loss) and learner.has_finite_gradients()):
            raise TrainingDiverged(_diverged(step, loss, videos))
        rate = schedule.learning_rate(number)
        norm = learner.step(rate, number)
        shares = processes.gather(bad) if unreadable else []
        all_bad = tuple(clip for of_process in shares for clip in of_process)
        yield StepReport(
            step.epoch, step.step, plan.steps_per_epoch, plan.epochs, loss, rate, step.clips, all_bad, norm
        )


def _diverged(step: StepPlan, loss: float, videos: Sequence[LabeledVideo]) -> str:
    draws = [draw for group in step.groups for draw in group.draws]
    names = first_of([videos[draw.video].address for draw in draws], MOST_NAMED)
    return (
        f"the loss of epoch {step.epoch + 1}, step {step.step + 1} is {loss}, or its gradient is not finite; "
        f"its videos: {names}"
    )


def _noting(groups: Iterator[ClipGroup], bad: list[BadClip]) -> Iterator[ClipGroup]:
    for group in groups:
        bad.extend(group.bad)
        yield group
