"""How much a run does, and with what: in a line for people, and as values for loggers."""

from dataclasses import dataclass

from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.training.batches.epoch_plan import RunPlan
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.reports import RunLength
from vifi_cli.wording import counted


def length_of(recipe: Recipe, data: LabeledVideos, plan: RunPlan, processes: int) -> RunLength:
    """How much each of several processes has to do in a run."""
    checks = [epoch for epoch in range(1, recipe.epochs) if (epoch - 1) % recipe.validate_every == 0]
    times = len(checks) + 2  # and before the first epoch and after the last
    videos = times * len(data.val or data.test) + (len(data.test) if data.val != data.test else 0)
    clips = min(plan.effective_batch, plan.videos)
    return RunLength(recipe.epochs, plan.steps_per_epoch, -(-clips // processes), -(-videos // processes))


@dataclass(frozen=True, slots=True)
class RunSize:
    """The size of a run on all processes."""

    parameters: int  # that learn
    videos: int  # to learn from
    classes: int
    frames: int
    epochs: int
    steps_per_epoch: int
    clips_per_step: int
    micro_batch: int  # clips that a process encodes at once
    processes: int
    device: str

    @property
    def steps(self) -> int:
        """All optimizer steps."""
        return self.epochs * self.steps_per_epoch

    @property
    def parameters_in_words(self) -> str:
        """Such as `15.9 million`."""
        return f"{self.parameters / 1e6:.1f} million" if self.parameters >= 1e6 else f"{self.parameters:,}"

    @property
    def in_words(self) -> str:
        """The run in one line."""
        return (
            f"{self.parameters_in_words} parameters learn from {self.videos:,} videos of {self.classes} classes, "
            f"{counted(self.frames, 'frame')} each: {self.steps_in_words}"
        )

    @property
    def steps_in_words(self) -> str:
        """Such as `12 epochs of 3 steps of 8 clips, 2 at once on 1 x cpu`."""
        return (
            f"{counted(self.epochs, 'epoch')} of {counted(self.steps_per_epoch, 'step')} of "
            f"{counted(self.clips_per_step, 'clip')}, {self.micro_batch} at once on {self.processes} x {self.device}"
        )
