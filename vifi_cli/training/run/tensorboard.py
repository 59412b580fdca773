"""Writes what happens in a run for TensorBoard."""

from pathlib import Path

from vifi_cli.errors import MissingDependency
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.run.reports import EpochReport, Scores


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
            if report.gradient_norm is not None:
                values["train/gradient_norm"] = report.gradient_norm
        else:
            at = report.epoch * self._steps_per_epoch
            values = _values(report.scores) if report.scores else {}
        for name, value in values.items():
            self._writer.add_scalar(name, value, at)
        self._writer.flush()


def _values(scores: Scores) -> dict[str, float]:
    """The scores that there are, such as `val/top1`."""
    values = {
        "top1": scores.top1,
        "top5": scores.top5,
        "mean_class_accuracy": scores.mean_class_accuracy,
        "mAP": scores.mean_average_precision,
    }
    return {f"{scores.split}/{name}": value for name, value in values.items() if value is not None}
