"""The folder of a run.

RUN/config.toml                   the complete configuration
RUN/class_texts.json              its class texts, if they are not the template
RUN/metrics.jsonl                 a line for each step and each epoch
RUN/curves.png                    the same as a picture
RUN/best/, RUN/last/              model folders
RUN/training_state.safetensors    what `--resume` continues from
"""

import contextlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from vifi_cli import __version__
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.registry.model_files import CARD_FILE, is_model_folder
from vifi_cli.paths import write_file
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.changes import STAGES
from vifi_cli.training.recipe.recipe import Protocol, Recipe
from vifi_cli.training.run.curves import RunCurves, draw_curves
from vifi_cli.training.run.lock import is_kept, remove_lock, trainer_of
from vifi_cli.training.run.reports import EpochReport, Scores
from vifi_cli.typed_files import as_dataclass
from vifi_cli.wording import as_argument

CONFIG_FILE = "config.toml"
CLASS_TEXTS_FILE = "class_texts.json"


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The configuration of a run."""

    model: str  # to start from: a name, or an absolute path
    data: str  # as for --data, with absolute paths
    data_root: str  # folder of the public sets, or empty
    setting: str  # of the paper; supervised for the user's own data
    protocol: Protocol
    recipe: Recipe
    videos: str = ""  # digest of the videos and class names, by which --resume recognizes them
    classes: tuple[
        str, ...
    ] = ()  # the only ones of the data, or `present` for those with videos; empty for all
    texts: ClassTexts | None = None  # of the classes, instead of the recipe's template

    @property
    def data_name(self) -> str:
        """The name of the data: of a folder or table, or of a public set."""
        source = self.source
        return str(source) if source.is_public_set else Path(source.name).name or source.name

    @property
    def source(self) -> DataSource:
        """Where the videos come from."""
        source = DataSource.parse(self.data, Path(self.data_root) if self.data_root else None)
        return replace(source, classes=self.classes)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run's folder on disk."""

    path: Path

    @property
    def best(self) -> Path:
        """The model folder of the best epoch."""
        return self.path / "best"

    @property
    def last(self) -> Path:
        """The model folder of the last epoch done."""
        return self.path / "last"

    @property
    def state(self) -> Path:
        """The saved state that a run resumes from."""
        return self.path / "training_state.safetensors"

    @property
    def metrics(self) -> Path:
        """A line of JSON for each step and each epoch."""
        return self.path / "metrics.jsonl"

    @property
    def _config(self) -> Path:
        return self.path / CONFIG_FILE

    @property
    def _class_texts(self) -> Path:
        return self.path / CLASS_TEXTS_FILE

    def is_begun(self) -> bool:
        """Whether a run has written its configuration here."""
        return self._config.exists()

    def require_place(self) -> None:
        """Raise FileNotFoundError if somebody has moved the folder, so that nothing makes a second one."""
        self._config.stat()

    def resume_command(self) -> str:
        """The command that continues the run; stages of a bridge continue together."""
        if self.path.name in STAGES and _is_bridge(self.path.parent):
            return f"vifi bridge --resume {as_argument(self.path.parent)}"
        command = "prompt-tune" if self.read_config().recipe.prompts else "finetune"
        return f"vifi {command} --resume {as_argument(self.path)}"

    def is_finished(self, config: RunConfig) -> bool:
        """Whether the last epoch is done, or the run ended before it."""
        _, epochs = self.history()
        return any(report.epoch == config.recipe.epochs or report.stopped_early for report in epochs)

    def begin(self, config: RunConfig) -> None:
        """Make the folder, which must be new or empty, and write the configuration."""
        self.require_unused()
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._config.touch(exist_ok=False)  # of two runs that begin at once, one wins
        except FileExistsError as error:
            raise InvalidInput(f"another run has just begun in {self.path}: name another --output") from error
        self._write(config)

    def require_unused(self) -> None:
        """Raise InvalidInput unless the folder is new or empty."""
        if self.path.exists() and (not self.path.is_dir() or any(map(is_kept, self.path.iterdir()))):
            if holder := trainer_of(self.path):
                raise InvalidInput(f"{holder} trains in {self.path}: name another --output")
            resume = f"continue with `{self.resume_command()}`" if self.is_begun() else "empty it"
            raise InvalidInput(f"{self.path} is not empty: name another --output, or {resume}")

    def note_place_of_data(self, config: RunConfig) -> None:
        """Write down where the data is now, if it was moved, for later commands."""
        begun = self.read_config()
        moved = replace(begun, data=config.data, data_root=config.data_root)
        if moved != begun:
            self._write(moved)

    def _write(self, config: RunConfig) -> None:
        table = {"vifi": __version__, **asdict(config)}
        # hundreds of descriptions would hide the rest, and TOML is slow to read
        if texts := table.pop("texts"):
            write_file(self._class_texts, json.dumps(texts, indent=2, ensure_ascii=False).encode())
            table["texts"] = texts["name"]
        write_file(self._config, tomli_w.dumps(table).encode())

    def withdraw(self) -> None:
        """Undo `begin` after a failed setup, so that the next run can use the folder."""
        for file in (self.metrics, self._class_texts, self._config):
            file.unlink(missing_ok=True)
        remove_lock(self.path)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def read_config(self) -> RunConfig:
        """Read the configuration.

        Raises:
            InvalidInput: this is not a run folder.
        """
        file = self._config
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InvalidInput(
                f"{self.path} is not a run folder: it has no {CONFIG_FILE}{self._hint()}"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidInput(f"{file} is not the configuration of a run: {error}") from error
        table.pop("vifi", None)  # the version that wrote it
        texts = self._read_class_texts() if table.pop("texts", None) else None
        return replace(as_dataclass(RunConfig, table, str(file)), texts=texts)

    def _read_class_texts(self) -> ClassTexts:
        file = self._class_texts
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            reason = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
            raise InvalidInput(f"{file}, the class texts of this run, {reason}: start a new run") from error
        return as_dataclass(ClassTexts, content, str(file))

    def _hint(self) -> str:
        """What was meant by a folder that is not a run's: a bridge, or the run around it."""
        if _is_bridge(self.path):
            return f"; continue with `vifi bridge --resume {as_argument(self.path)}`"
        around = RunFolder(self.path.parent)
        is_model = self.path in (around.best, around.last) and around.is_begun()
        return f"; did you mean {around.path}?" if is_model else ""

    def add(self, report: StepReport | EpochReport) -> None:
        """Append a report to the metrics."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_as_line(report)) + "\n")

    def forget_after(self, steps: int, steps_per_epoch: int) -> None:
        """Drop reports after this many steps: a run that was killed takes those steps again."""
        if not self.metrics.exists():
            return
        kept = [line for line in self._lines() if _steps_done(line, steps_per_epoch) <= steps]
        write_file(self.metrics, "".join(json.dumps(line) + "\n" for line in kept).encode())

    def history(self) -> tuple[list[StepReport], list[EpochReport]]:
        """All reports so far."""
        lines = self._lines() if self.metrics.exists() else []
        steps = [StepReport(**{**line, "bad": ()}) for line in lines if "step" in line]
        return steps, [_epoch(line) for line in lines if "step" not in line]

    def curves(self, name: str = "") -> RunCurves:
        """The history for a picture; `name` is how its legend calls the run."""
        steps, reports = self.history()
        ended = next((report.epoch for report in reports if report.stopped_early), None)
        return RunCurves(name, ended or self.read_config().recipe.epochs, steps, reports)

    def draw(self) -> None:
        """Draw the curves again."""
        draw_curves(self.path / "curves.png", [self.curves(self.path.name)])

    def _lines(self) -> list[dict[str, Any]]:
        lines = []
        for text in self.metrics.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                break  # a run that was killed may leave half a line
        return lines


def _is_bridge(folder: Path) -> bool:
    """Whether a folder has two stages, the second one starting from the first, and not two runs of these names."""
    first, second = (RunFolder(folder / stage) for stage in STAGES)
    if not (first.is_begun() and second.is_begun()):
        return False
    return Path(second.read_config().model).parts[-2:] == first.best.parts[-2:]


def begun_runs(runs: Path) -> list[RunFolder]:
    """The runs one or two levels below a folder, with or without a best model."""
    configs = (file for depth in ("*", "*/*") for file in runs.glob(f"{depth}/{CONFIG_FILE}"))
    return [RunFolder(path.parent) for path in configs]


def newest_run(runs: Path) -> RunFolder | None:
    """The run whose best model was written last, one or two levels below a folder.

    For a bridge this is the second stage, though its configuration is written first.
    """
    with_model = [run for run in begun_runs(runs) if is_model_folder(run.best)]
    return max(with_model, key=lambda run: (run.best / CARD_FILE).stat().st_mtime_ns, default=None)


def _as_line(report: StepReport | EpochReport) -> dict[str, Any]:
    line = asdict(report)
    if isinstance(report, StepReport):
        line["bad"] = [entry["video"] for entry in line["bad"]]
        if report.gradient_norm is None:
            del line["gradient_norm"]
    elif not report.stopped_early:
        del line["stopped_early"]
    return line


def _steps_done(line: Mapping[str, Any], steps_per_epoch: int) -> int:
    before = int(line["epoch"]) * steps_per_epoch
    return before + int(line["step"]) + 1 if "step" in line else before


def _epoch(line: Mapping[str, Any]) -> EpochReport:
    return EpochReport(**{**line, "scores": Scores(**line["scores"]) if line["scores"] else None})
