"""The reports of a run: each epoch, and the result."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scores:
    """Accuracy of a model on some videos.

    Attributes:
        split: `val` or `test`.
        top1: share of the videos whose true class is predicted first.
        top5: share of the videos whose true class is among the first five.
        videos: how many could be read.
        unreadable: how many could not.
    """

    split: str
    top1: float
    top5: float
    videos: int
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class EpochReport:
    """The end of an epoch, or the state before the first.

    Attributes:
        epoch: how many are done.
        loss: mean over its steps; None before the first.
        scores: of the validation, if there was one.
        is_best: whether the model became `best/`.
    """

    epoch: int
    loss: float | None
    scores: Scores | None
    is_best: bool


@dataclass(frozen=True, slots=True, repr=False)
class RunResult:
    """The result of a run.

    Attributes:
        run: its folder.
        model: the folder of the best model.
        index_model: the model to index with: `model`, or the start of the run if only text prompts were learned.
        epoch: the one that `model` comes from.
        val: scores on the validation videos, if there are any.
        test: scores on the test videos, if there are any.
        before: scores of the model that the run started from, on the validation videos.
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
