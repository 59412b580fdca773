"""Draws the curves of a run: as a picture, and for TensorBoard."""

from collections.abc import Sequence
from pathlib import Path

from vifi_cli.errors import MissingDependency
from vifi_cli.paths import replacing
from vifi_cli.training.engine.loop import StepReport
from vifi_cli.training.run.reports import EpochReport


def draw_curves(path: Path, steps: Sequence[StepReport], epochs: Sequence[EpochReport]) -> None:
    """Draw loss, learning rate and accuracy over epochs: a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    at = [step.epoch + (step.step + 1) / step.steps_per_epoch for step in steps]
    loss.plot(at, [step.loss for step in steps], color="0.75", linewidth=1, label="each step")
    means = [(epoch.epoch, epoch.loss) for epoch in epochs if epoch.loss is not None]
    loss.plot(*zip(*means, strict=True), color="C0", marker=".", label="mean of the epoch")
    loss.set(xlabel="epoch", ylabel="training loss")
    rate = loss.twinx()
    rate.plot(at, [step.learning_rate for step in steps], color="C1", linestyle=":")
    rate.set_ylabel("learning rate (dotted)", color="C1")
    loss.legend(frameon=False)
    scored = [epoch for epoch in epochs if epoch.scores]
    for name, marker in (("top1", "o"), ("top5", ".")):
        values = [100 * getattr(epoch.scores, name) for epoch in scored]
        accuracy.plot([e.epoch for e in scored], values, marker=marker, label=f"top-{name[-1]}")
    accuracy.set(xlabel="epoch", ylabel="accuracy in percent", ylim=(0, 101))
    accuracy.set_title(
        f"{scored[-1].scores.split} videos" if scored and scored[-1].scores else "not validated"
    )
    accuracy.legend(frameon=False, loc="lower right")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


class TensorBoardLog:
    """Writes event files during a run."""

    def __init__(self, folder: Path, steps_per_epoch: int) -> None:
        """Open a folder for event files; a resumed run adds to it."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingDependency("for runtime.tensorboard, run `pip install tensorboard`") from error
        self._writer = SummaryWriter(folder)
        self._steps_per_epoch = steps_per_epoch

    def add(self, report: StepReport | EpochReport) -> None:
        """Write the values of a report."""
        if isinstance(report, StepReport):
            at = report.epoch * self._steps_per_epoch + report.step + 1
            values = {"train/loss": report.loss, "train/learning_rate": report.learning_rate}
        else:
            at = report.epoch * self._steps_per_epoch
            scores = report.scores
            values = (
                {f"{scores.split}/top1": scores.top1, f"{scores.split}/top5": scores.top5} if scores else {}
            )
        for name, value in values.items():
            self._writer.add_scalar(name, value, at)
        self._writer.flush()
