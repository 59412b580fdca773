"""What a run tells while it goes on."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scores:
    """How well the model names videos.

    Attributes:
        split: which videos, `val` or `test`.
        top1: share of the videos whose class comes first.
        top5: share of those whose class is among the first five.
        videos: how many were read.
        unreadable: how many could not be.
    """

    split: str
    top1: float
    top5: float
    videos: int
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class EpochReport:
    """The end of an epoch, or the state of things before the first.

    Attributes:
        epoch: how many are done.
        loss: mean over its steps; None before the first.
        scores: of the validation, where there was one.
        is_best: whether the model was kept as the best.
    """

    epoch: int
    loss: float | None
    scores: Scores | None
    is_best: bool


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """The end of a run.

    Attributes:
        run: its folder.
        model: the folder of the best model.
        index_model: the model whose index serves for searching with this one: `model` itself, or where only text
            prompts were learned the one that the run started from.
        epoch: the one that `model` comes from.
        val: its scores on the videos that training is watched with, where there are any.
        test: its scores on the test videos, where there are any.
        before: the scores of the model that the run started from, on the videos that `val` is told of.
    """

    run: Path
    model: Path
    index_model: str
    epoch: int
    val: Scores | None
    test: Scores | None
    before: Scores | None

    def __repr__(self) -> str:
        scores = self.test or self.val
        told = f", {scores.split} top-1 {scores.top1:.1%}" if scores and scores.videos else ""
        return f"<RunResult {self.model}: epoch {self.epoch}{told}>"
