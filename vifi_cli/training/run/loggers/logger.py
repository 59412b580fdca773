"""What a logger gets: the facts of a run when it begins, values by name and step, and the result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from vifi_cli import __version__
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.paths import slug
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.changes import STAGES
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.reports import EpochReport, RunResult, Scores

Values = Mapping[str, float]


class Logger(Protocol):
    """Shows the values of one run; they come with steps that never go back."""

    def log(self, values: Values, step: int) -> None:
        """Receives values after an optimizer step, from 1; 0 is the model before the first."""

    def finish(self, result: Values, step: int) -> None:
        """Receives the result, or nothing if the run was interrupted; nothing comes after it."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run as loggers know it: no path and no name of a file, except the folder where they may write."""

    folder: Path
    project: str
    name: str
    id: str  # the same in each resumed part of a run
    facts: Mapping[str, Any]


def logged_run(
    folder: RunFolder, config: RunConfig, data: LabeledVideos, *, own_id: str, about: Mapping[str, Any]
) -> LoggedRun:
    """What loggers get to know of a run: its recipe, names without paths, and `about`, other facts."""
    path, model = folder.path, Path(config.model)
    is_stage = path.name in STAGES
    facts = {
        "vifi": __version__,
        "model": "/".join(model.parts[-2:]) if model.is_absolute() else config.model,
        "data": config.data_name,
        "setting": config.setting,
        "protocol": config.protocol,
        "classes": len(data.class_names),
        "videos": {"train": len(data.train), "val": len(data.val), "test": len(data.test)},
        "recipe": asdict(config.recipe),
        **about,
    }
    name = f"{path.parent.name}/{path.name}" if is_stage else path.name
    return LoggedRun(path, slug(config.data_name), name, own_id, facts)


def values_of(report: StepReport | EpochReport) -> Values:
    """The values of a report, such as `train/loss` and `val/top1`."""
    if isinstance(report, StepReport):
        values = {"train/loss": report.loss, "train/learning_rate": report.learning_rate}
        norm = report.gradient_norm
        return values if norm is None else values | {"train/gradient_norm": norm}
    return _values_of_scores(report.scores)


def values_of_result(result: RunResult) -> Values:
    """The values of a result: `best/epoch`, and the scores of that epoch and of the model before training."""
    values = {"best/epoch": float(result.epoch)}
    for scores in (result.val, result.test):
        values |= {f"best/{name}": value for name, value in _values_of_scores(scores).items()}
    return values | {f"before/{name}": value for name, value in _values_of_scores(result.before).items()}


def _values_of_scores(scores: Scores | None) -> dict[str, float]:
    """The scores that there are, such as `val/top1`."""
    if scores is None:
        return {}
    values = {
        "top1": scores.top1,
        "top5": scores.top5,
        "mean_class_accuracy": scores.mean_class_accuracy,
        "mAP": scores.mean_average_precision,
    }
    return {f"{scores.split}/{name}": value for name, value in values.items() if value is not None}
