"""The length of a run, and its reports: each epoch, and the result."""

from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.model.registry.card import ModelCard
from vifi_cli.wording import counted


@dataclass(frozen=True, slots=True)
class Scores:
    """Accuracy of a model on the videos of a split that could be read; a score that says nothing is None.

    Videos that show several classes each have a mean average precision instead of top-1, top-5 and mean class accuracy.
    """

    split: str  # val or test
    top1: float | None  # share of the videos whose true class is predicted first
    top5: float | None  # or among the first five; None with five classes or fewer
    videos: int
    unreadable: int = 0
    mean_class_accuracy: float | None = None
    mean_average_precision: float | None = None
    frames: int | None = None  # of a test clip
    views: str = "1x1"  # clips in time x crops in space

    @property
    def value(self) -> float:
        """The score that decides on the best epoch."""
        several = self.mean_average_precision
        return several if several is not None else self.top1 or 0.0

    @property
    def measure(self) -> str:
        """The name of `value`."""
        return "top-1" if self.mean_average_precision is None else "mAP"

    @property
    def in_words(self) -> str:
        """Such as `top-1 58.3%, mean class 55.0%, top-5 90.0%`; mean class accuracy only if it differs from top-1."""
        parts = [f"{self.measure} {self.value:.1%}"]
        if self.mean_class_accuracy is not None and f"{self.mean_class_accuracy:.1%}" != f"{self.value:.1%}":
            parts.append(f"mean class {self.mean_class_accuracy:.1%}")
        if self.top5 is not None:
            parts.append(f"top-5 {self.top5:.1%}")
        return ", ".join(parts)

    @property
    def conditions(self) -> str:
        """How the videos were tested: `8 frames, 1x1 views`."""
        frames = [counted(self.frames, "frame")] if self.frames else []
        return ", ".join([*frames, f"{self.views} views"])


@dataclass(frozen=True, slots=True)
class EpochReport:
    """The end of an epoch, or the state before the first."""

    epoch: int  # how many are done
    loss: float | None  # mean over the steps; None before the first
    scores: Scores | None  # of the validation, if there was one
    is_best: bool  # whether the model became best/
    stopped_early: bool = False  # whether `patience` ended the run here


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
    class_names: tuple[str, ...] = ()
    left_out_classes: tuple[str, ...] = ()  # of the data, by `classes`
    epochs_done: int = 0
    stopped_early: bool = False  # whether `patience` ended the run before its last epoch
    is_head: bool = False  # whether `model` is a classifier, on top of embeddings that stay the same

    def __repr__(self) -> str:
        scores = self.test or self.val
        shown = f", {scores.split} {scores.measure} {scores.value:.1%}" if scores and scores.videos else ""
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


def card_of_epoch(card: ModelCard, epoch: int, scores: Scores | None) -> ModelCard:
    """The card of the model after an epoch, with its score."""
    origin = {**card.origin, "epoch": str(epoch)}
    if scores:
        name = f"{scores.split}_{scores.measure.replace('-', '')}"  # val_top1 or val_mAP
        origin[name] = f"{scores.value:.4f}"
    return replace(card, origin=origin)
