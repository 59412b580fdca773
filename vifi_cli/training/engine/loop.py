"""The loop that fine-tuning and everything like it shares: a generator that takes a step and tells of it."""

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
from vifi_cli.training.recipe.recipe import Mixing

MOST_NAMED = 8  # of the videos of a step that goes wrong


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimizer step.

    Attributes:
        epoch: counted from 0.
        step: counted from 0 in its epoch.
        steps_per_epoch: how many there are.
        epochs: of the run.
        loss: mean over the step's clips.
        learning_rate: of the step.
        clips: that it learned from.
        bad: videos that could not be read, of all processes.
    """

    epoch: int
    step: int
    steps_per_epoch: int
    epochs: int
    loss: float
    learning_rate: float
    clips: int
    bad: tuple[BadClip, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchMaking:
    """How groups of clips become what the network learns from.

    Attributes:
        classes: C.
        mixing: how clips are blended.
        seed: of the run.
        micro_batch: clips that go through the encoder at once.
        enter: puts pixels on the device.
    """

    classes: int
    mixing: Mixing
    seed: int
    micro_batch: int
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
        targets = soft_targets(labels, self.classes, self.mixing.label_smoothing)
        if self.mixing.mixup or self.mixing.cutmix:
            first = group.group.draws[0]
            generator = np.random.default_rng([self.seed, first.epoch, first.position, 2])
            clips, targets = mix_clips(clips, targets, self.mixing, generator)
        return clips, targets, torch.full((len(clips),), float(group.group.counts), device=clips.device)


def take_steps(
    learner: Learner,
    plan: RunPlan,
    schedule: Schedule,
    groups: Iterator[ClipGroup],
    making: BatchMaking,
    processes: Processes,
    videos: Sequence[LabeledVideo],
    *,
    first_step: int = 0,
) -> Iterator[StepReport]:
    """Take one optimizer step after the other, and tell of each when it is done.

    Between two reports nothing is half done: whoever takes them may save, validate, or stop.

    Args:
        learner: what learns.
        plan: which videos each step learns from.
        schedule: the learning rate of each step.
        groups: the clips of this process, in the order of the plan from `first_step` on.
        making: how they become micro-batches.
        processes: that learn together.
        videos: the training videos, to name those of a step that goes wrong.
        first_step: counted over the whole run.

    Raises:
        TrainingDiverged: the loss of a step is no number; the parameters are those of before it.
    """
    steps = plan.steps(first_step, processes.rank, processes.count)
    for number, step in enumerate(steps, first_step):
        # for models that draw while they compute, such as those with dropout
        torch.manual_seed(
            int(np.random.SeedSequence([plan.seed, number, processes.rank]).generate_state(1)[0])
        )
        bad: list[BadClip] = []
        share = learner.gather_gradients(
            making.micro_batches(step, _noting(islice(groups, len(step.groups)), bad)), step.clips
        )
        loss, unreadable = processes.total(share, len(bad))
        if not (math.isfinite(loss) and learner.has_finite_gradients()):
            draws = [draw for group in step.groups for draw in group.draws]
            names = ", ".join(str(videos[draw.video].path) for draw in draws[:MOST_NAMED])
            names += f" and {len(draws) - MOST_NAMED} more" if len(draws) > MOST_NAMED else ""
            raise TrainingDiverged(
                f"the loss of epoch {step.epoch + 1}, step {step.step + 1} is {loss}, or its gradient is no number; "
                f"its videos: {names}"
            )
        rate = schedule.learning_rate(number)
        learner.step(rate)
        all_bad = tuple(clip for share_of in processes.gather(bad) for clip in share_of) if unreadable else ()
        yield StepReport(
            step.epoch, step.step, plan.steps_per_epoch, plan.epochs, loss, rate, step.clips, all_bad
        )


def _noting(groups: Iterator[ClipGroup], bad: list[BadClip]) -> Iterator[ClipGroup]:
    for group in groups:
        bad.extend(group.bad)
        yield group
