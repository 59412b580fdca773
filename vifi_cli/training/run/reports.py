"""The length of a run, and its reports: each epoch, and the result."""

from dataclasses import dataclass
from pathlib import Path

FEWEST_CLASSES_FOR_TOP5 = 6
"""With fewer, each true class is among the first five."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Accuracy of a model on the videos of a split that could be read."""

    split: str  # val or test
    top1: float  # share of the videos whose true class is predicted first
    top5: float  # or among the first five
    videos: int
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class EpochReport:
    """The end of an epoch, or the state before the first."""

    epoch: int  # how many are done
    loss: float | None  # mean over the steps; None before the first
    scores: Scores | None  # of the validation, if there was one
    is_best: bool  # whether the model became best/


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """The result of a run; `val` and `test` are None without such videos.

    `index_model` is the model to index with: `model`, or the start of the run if only text prompts were learned.
    """

    run: Path
    model: Path  # the folder of the best model
    index_model: str
    epoch: int  # the one that `model` comes from
    val: Scores | None
    test: Scores | None
    before: Scores | None  # of the model that the run started from
    classes: int = FEWEST_CLASSES_FOR_TOP5  # how many the videos have

    @property
    def has_top5(self) -> bool:
        """Whether the top-5 accuracy says anything."""
        return self.classes >= FEWEST_CLASSES_FOR_TOP5

    def __repr__(self) -> str:
        scores = self.test or self.val
        shown = f", {scores.split} top-1 {scores.top1:.1%}" if scores and scores.videos else ""
        return f"<RunResult {self.model}: epoch {self.epoch}{shown}>"


@dataclass(frozen=True, slots=True)
class RunLength:
    """How much a run has to do, its resumed part included."""

    epochs: int
    steps_per_epoch: int
    clips_per_step: int  # at most, for this process
    videos_to_score: int  # by this process, each time it is scored

    @property
    def steps(self) -> int:
        """All optimizer steps."""
        return self.epochs * self.steps_per_epoch
