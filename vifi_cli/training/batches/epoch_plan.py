"""Which videos each optimizer step learns from: the seed alone determines it, not the number of processes.

An epoch is a permutation of the videos, or has those of rare classes more often. It is cut into steps, and each step
into the groups that are mixed together, which the processes share. So one process and eight learn from the same clips
in the same steps, and a resumed run continues where it was.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vifi_cli.errors import InvalidInput
from vifi_cli.training.batches.class_balance import ClassBalance
from vifi_cli.training.recipe.learning_rate import Schedule
from vifi_cli.training.recipe.recipe import Recipe

PUBLISHED_GPUS = 8


@dataclass(frozen=True, slots=True)
class ClipDraw:
    """One clip to draw; epoch and position seed everything random about it."""

    video: int  # index into the training videos
    epoch: int  # from 0
    position: int  # in the order of the epoch


@dataclass(frozen=True, slots=True)
class DrawnGroup:
    """Clips that are mixed with each other; the position of the first one seeds the mixing."""

    draws: tuple[ClipDraw, ...]
    counts: bool = True  # false where a process has no clips in a step and must take part in it


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One optimizer step, as one process sees it."""

    epoch: int  # from 0
    step: int  # from 0 in its epoch
    clips: int  # on all processes together
    groups: tuple[DrawnGroup, ...]  # this process's share, never empty


@dataclass(frozen=True, slots=True)
class RunPlan:
    """All steps of a run; the last step of an epoch may have fewer clips than `effective_batch`."""

    videos: int  # how many there are to train on
    effective_batch: int
    steps_per_epoch: int
    epochs: int
    group: int  # clips mixed together
    seed: int
    balance: ClassBalance | None = None  # how much more often rare classes are drawn

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all epochs."""
        return self.steps_per_epoch * self.epochs

    def steps(self, first: int, rank: int = 0, processes: int = 1) -> Iterator[StepPlan]:
        """The steps of the run from number `first`, as one of several processes sees them."""
        for epoch in range(first // self.steps_per_epoch, self.epochs):
            start = first % self.steps_per_epoch if epoch == first // self.steps_per_epoch else 0
            order = self._order(epoch)
            for step in range(start, self.steps_per_epoch):
                yield self._step(epoch, step, order, rank, processes)

    def _order(self, epoch: int) -> list[int]:
        """The videos of an epoch; if its steps hold more than there are, they repeat, as in the published code."""
        generator = np.random.default_rng([self.seed, epoch])
        drawn = self.balance.draw(generator) if self.balance else generator.permutation(self.videos)
        order: list[int] = drawn.tolist()
        wanted = (self.steps_per_epoch - 1) * self.effective_batch + 1
        return (order * math.ceil(wanted / self.videos)) if wanted > self.videos else order

    def _step(self, epoch: int, step: int, order: list[int], rank: int, processes: int) -> StepPlan:
        start = step * self.effective_batch
        videos = order[start : start + self.effective_batch]
        draws = [ClipDraw(video, epoch, start + place) for place, video in enumerate(videos)]
        cuts = range(0, len(draws), self.group)
        groups = tuple(DrawnGroup(tuple(draws[cut : cut + self.group])) for cut in cuts)
        mine = groups[rank::processes] or (DrawnGroup(groups[-1].draws, counts=False),)
        return StepPlan(epoch, step, len(draws), mine)


def plan_run(recipe: Recipe, videos: int, labels: Sequence[int] = ()) -> RunPlan:
    """The plan of a recipe for this many training videos; a recipe with `class_balance` needs their labels."""
    if videos < 1:
        raise InvalidInput("the data has no training videos")
    batch = recipe.effective_batch
    steps = math.ceil(videos / batch)
    if recipe.drop_incomplete:
        steps = max(1, _published_batches(recipe, videos) // recipe.batches_per_step)
    balance = ClassBalance(tuple(labels), recipe.class_balance) if recipe.class_balance else None
    return RunPlan(videos, batch, steps, recipe.epochs, recipe.mixing.group, recipe.seed, balance)


def make_schedule(recipe: Recipe, plan: RunPlan) -> Schedule:
    """The learning rates of a recipe over this plan."""
    return Schedule(
        recipe.learning_rate,
        plan.steps_per_epoch,
        plan.epochs,
        recipe.warmup_epochs,
        _published_batches(recipe, plan.videos) if recipe.warmup_cliff else 0,
        recipe.batches_per_step,
    )


def _published_batches(recipe: Recipe, videos: int) -> int:
    """Batches of an epoch on each of the 8 GPUs of the published runs, whose sampler fills the last one."""
    of_one_gpu = max(1, recipe.effective_batch // recipe.batches_per_step // PUBLISHED_GPUS)
    return max(1, math.ceil(videos / PUBLISHED_GPUS) // of_one_gpu)
