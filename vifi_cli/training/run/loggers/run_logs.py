"""Passes what happens in a run to its loggers, each value once, however often the run is resumed."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import Any

from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.errors import MissingDependency
from vifi_cli.paths import write_file
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.recipe import LoggerName
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.loggers.logger import LoggedRun, Logger, logged_run, values_of, values_of_result
from vifi_cli.training.run.reports import EpochReport, RunResult

STATE_FILE = "loggers.json"
"""In the folder of the run: its id, the loggers that know it, and whether they have its result."""


def require_loggers(names: Sequence[LoggerName]) -> None:
    """Raise MissingDependency, with the command that installs it, for a logger that is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise MissingDependency(f"for runtime.log={name}, run `pip install {name}`")


@dataclass(frozen=True, slots=True)
class Reported:
    """How far a run had come when an earlier process ended: what it reported, it has logged."""

    steps: int = 0
    epochs: int = -1  # 0 is the model before the first

    @staticmethod
    def of(history: tuple[Sequence[StepReport], Sequence[EpochReport]]) -> "Reported":
        """From the metrics of a run, before what was not saved is dropped."""
        steps, epochs = history
        return Reported(
            max(map(_steps_done, steps), default=0), max((each.epoch for each in epochs), default=-1)
        )

    def includes(self, report: StepReport | EpochReport) -> bool:
        """Whether a report was made before; a resumed run takes the same steps again."""
        if isinstance(report, StepReport):
            return _steps_done(report) <= self.steps
        return report.epoch <= self.epochs


@dataclass(slots=True)
class RunLogs:
    """The loggers of a run; one that fails is left out, with a warning, and the run goes on."""

    folder: RunFolder
    steps_per_epoch: int
    say: Callable[[str], None]
    _loggers: dict[LoggerName, Logger] = field(default_factory=dict)
    _before: dict[LoggerName, Reported] = field(default_factory=dict)
    _id: str = ""
    _has_result: bool = False
    _step: int = 0

    def begin(self, config: RunConfig, data: LabeledVideos, about: Mapping[str, Any]) -> None:
        """Open the loggers, before metrics that were not saved are dropped.

        Those that know the run do not get again what they have. `about` are facts beside those in the configuration.
        """
        if not config.recipe.runtime.log:
            return
        state, reported = self._read_state(), Reported.of(self.folder.history())
        self._id = state.get("id") or uuid.uuid4().hex[:8]
        self._has_result = bool(state.get("has_result"))
        run = logged_run(self.folder, config, data, own_id=self._id, about=about)
        for name in config.recipe.runtime.log:
            self._before[name] = reported if name in state.get("loggers", ()) else Reported()
            self._guard(name, partial(self._open, name, run))
        self._write_state()

    def _open(self, name: LoggerName, run: LoggedRun) -> None:
        self._loggers[name] = _open(name, run, self.say)

    def add(self, report: StepReport | EpochReport) -> None:
        """Pass a report on."""
        if isinstance(report, StepReport):
            self._step = _steps_done(report)
        else:
            self._step = report.epoch * self.steps_per_epoch
        values = values_of(report)
        for name, logger in list(self._loggers.items()):
            if values and not self._before[name].includes(report):
                self._guard(name, partial(logger.log, values, self._step))

    def finish(self, result: RunResult | None) -> None:
        """Close the loggers, with the result of the run unless it was interrupted or they have it."""
        values = values_of_result(result) if result and not self._has_result else {}
        for name, logger in list(self._loggers.items()):
            self._guard(name, partial(logger.finish, values, self._step))
        if self._loggers and result:
            self._has_result = True
            self._write_state()
        self._loggers.clear()

    def _guard(self, name: LoggerName, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever fails in a logger must not end a run of days
            self._loggers.pop(name, None)
            reason = (str(error).splitlines() or ["it does not say why"])[0]
            self.say(f"{name} does not work ({reason}): the run goes on without it")

    def _read_state(self) -> dict[str, Any]:
        try:
            state = json.loads((self.folder.path / STATE_FILE).read_text())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write_state(self) -> None:
        state = {"id": self._id, "loggers": list(self._loggers), "has_result": self._has_result}
        write_file(self.folder.path / STATE_FILE, json.dumps(state).encode())


def _steps_done(report: StepReport) -> int:
    return report.epoch * report.steps_per_epoch + report.step + 1


def _open(name: LoggerName, run: LoggedRun, say: Callable[[str], None]) -> Logger:
    if name == "tensorboard":
        from vifi_cli.training.run.loggers.tensorboard import TensorBoardLogger

        return TensorBoardLogger(run)
    if name == "wandb":
        from vifi_cli.training.run.loggers.wandb import WandbLogger

        return WandbLogger(run, say)
    from vifi_cli.training.run.loggers.trackio import TrackioLogger

    return TrackioLogger(run, say)
