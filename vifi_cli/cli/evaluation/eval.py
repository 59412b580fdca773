"""`vifi eval`: measures models by the settings of the paper, side by side, and writes a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vifi_cli import stop_signals
from vifi_cli.cli.evaluation.planned import show_planned
from vifi_cli.cli.evaluation.table import show_table
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.settings import named_in_help
from vifi_cli.cli.terminal.options.shared import (
    DATA_HELP,
    ClassesOption,
    DataRootOption,
    DeviceOption,
    JsonOption,
    Protocol,
    output_option,
)
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL, load_torch
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.api.evaluation.methods.estimate import PlannedEvaluation
    from vifi_cli.evaluation.report.report import Report

OVER_INDEX = "corpus-moments"
MOMENT_SETTINGS = ("moments", OVER_INDEX)
TESTING, TRAINING = "Testing", "Training first"
METHODS = (
    "vanilla, linear-probe, tip-adapter, image-ft, text-ft, vifi, lora, bridge-prompt, prompt, "
    "fusion-decision, fusion-image"
)
DEFAULT_METHODS = "vanilla linear-probe tip-adapter image-ft text-ft vifi bridge-prompt"
"""In help; `api.evaluation.methods` has what they are."""


def _option(help_text: str, panel: str, *names: str, metavar: str | None = None, complete: Any = None) -> Any:
    """An option in a panel of the help that does nothing by default; `complete` finds values for the shell."""
    return typer.Option(
        *names,
        metavar=metavar,
        autocompletion=complete,
        help=help_text,
        show_default=False,
        rich_help_panel=panel,
    )


@dataclass(frozen=True, kw_only=True)
class TestedModels:
    """Options of the commands that compare models on labeled videos."""

    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            autocompletion=completion.models,
            help="Model to test; several are shown side by side (repeatable)",
            show_default="the newest run's best",
        ),
    ] = None
    data_root: DataRootOption = None
    classes: ClassesOption = None
    allow_leak: Annotated[
        bool,
        _option("Accept videos that a model was trained on, and mark the result", "Data", "--allow-leak"),
    ] = False
    device: DeviceOption = "auto"


@dataclass(frozen=True, kw_only=True)
class EvalOptions(TestedModels):
    """Options of `vifi eval`."""

    methods: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="METHODS",
            autocompletion=completion.methods_or_command,
            help=f"Methods to compare: {METHODS}; vifi@0.7 averages weights with MODEL (WiSE-FT)",
            show_default=DEFAULT_METHODS,
        ),
    ] = None
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATA",
            autocompletion=completion.datasets,
            help=f"{DATA_HELP} (repeatable)",
            show_default="that of the run",
        ),
    ] = None
    setting: Annotated[
        str | None,
        typer.Option(
            metavar="SETTING",
            autocompletion=completion.tested_settings,
            help="zero-shot, base2novel, few-shot, few-shot-K, supervised, retrieval, moments, corpus-moments",
            show_default="that of the run",
        ),
    ] = None
    queries: Annotated[
        Path | None,
        _option("Queries, with --setting retrieval, moments or corpus-moments", "Data", metavar="FILE"),
    ] = None
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="paper tests as the published code: its frames, drawn views, bare names",
            rich_help_panel=TESTING,
        ),
    ] = "default"
    views: Annotated[
        str | None,
        typer.Option(
            metavar="CLIPSxCROPS",
            help="Clips in time x crops in space to average over, such as 4x3",
            show_default="1x1",
            callback=named_in_help("views"),
            rich_help_panel=TESTING,
        ),
    ] = None
    frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Frames of a test clip, for all models",
            show_default="as in each model's training",
            rich_help_panel=TESTING,
        ),
    ] = None
    texts: Annotated[
        str | None,
        _option(
            "Other class texts to test by too, and learn from with --train: a JSON file, bare, short or video",
            TESTING,
            metavar="TEXTS",
            complete=completion.class_texts,
        ),
    ] = None
    published: Annotated[bool, _option("Show the results of the paper too", TESTING, "--published")] = False
    train: Annotated[
        bool,
        _option(
            "Train METHODS from MODEL first; finished runs are kept",
            TRAINING,
            "--train",
        ),
    ] = False
    recipe: Annotated[
        list[str] | None,
        _option(
            "As for `vifi finetune`; finetune.KEY or prompt.KEY for one stage (repeatable)",
            TRAINING,
            metavar="CHANGE",
            complete=completion.recipes,
        ),
    ] = None
    dry_run: Annotated[
        bool,
        _option("Show runs, disk and time of --train, and train nothing", TRAINING, "--dry-run", "-n"),
    ] = False
    seeds: Annotated[
        str | None,
        _option("Train with each of these seeds: 1,2,3, or how many", TRAINING, metavar="SEEDS"),
    ] = None
    folder: Annotated[
        Path | None, output_option("Folder of the report", metavar="FOLDER", default="a new one in reports/")
    ] = None

    def trained_methods(self) -> list[str]:
        """The methods to train and compare; none without --train."""
        if self.queries is not None:
            raise InvalidInput("--queries goes with --setting retrieval, moments or corpus-moments")
        if self.methods and not self.train:
            raise InvalidInput(
                f"{self.methods[0]} is a method to train: add --train, or name models with --model"
            )
        if self.dry_run and not self.train:
            raise InvalidInput("--dry-run goes with --train: it plans what would be trained")
        return self.methods or DEFAULT_METHODS.split() if self.train else []

    def query_file(self) -> Path:
        """The queries of a search, with which no other option of the test goes."""
        unfit = {
            "METHODS": self.methods, "--train": self.train, "--dry-run": self.dry_run,
            "--data": self.data, "--classes": self.classes,
            "--texts": self.texts, "--recipe": self.recipe, "--published": self.published,
            "--allow-leak": self.allow_leak, "--protocol": self.protocol == "paper", "--views": self.views,
            "--frames": self.frames, "--seeds": self.seeds,
            "--data-root": self.data_root if self.setting == "retrieval" else None,
        }  # fmt: skip
        if given := next((name for name, value in unfit.items() if value), None):
            raise InvalidInput(f"{given} does not go with --setting {self.setting}, which searches an index")
        if self.queries is None:
            columns = "file and caption" if self.setting == "retrieval" else "file, query, start and end"
            raise InvalidInput(f"--queries is missing: name a CSV with the columns {columns}")
        return self.queries


@spliced
def evaluate(options: EvalOptions, as_json: JsonOption = False) -> None:
    """Measure how well models classify, by the paper's settings.

    It writes a report. Without options, it tests the best model of the newest run on the data of the run. Two reports
    are compared by `vifi eval compare A B`. With several GPUs:
    torchrun --nproc-per-node 8 -m vifi_cli eval ...
    """
    load_torch()
    import vifi_cli
    from vifi_cli.api.feedback import is_first_process
    from vifi_cli.evaluation.report.report import Report

    report: Report | PlannedEvaluation
    if options.setting == "retrieval":
        report = vifi_cli.evaluate_retrieval(
            options.query_file(),
            options.model or (),
            output=options.folder,
            device=options.device,
            feedback=ON_TERMINAL,
        )
    elif options.setting in MOMENT_SETTINGS:
        report = vifi_cli.evaluate_moments(
            options.query_file(),
            options.model or (),
            over_index=options.setting == OVER_INDEX,
            data_root=options.data_root,
            output=options.folder,
            device=options.device,
            feedback=ON_TERMINAL,
        )
    else:
        report = _evaluate(options)
    if not is_first_process():
        return
    if isinstance(report, Report):
        _show(report, as_json=as_json)
    else:
        show_planned(report, as_json=as_json)


def _evaluate(options: EvalOptions) -> Report | PlannedEvaluation:
    import vifi_cli
    from vifi_cli.api.feedback import is_first_process
    from vifi_cli.api.training.run import Interrupted

    do = vifi_cli.estimate_evaluation if options.dry_run else vifi_cli.evaluate
    try:
        return do(
            options.model or (),
            options.data or (),
            options.setting,
            device=options.device,
            feedback=ON_TERMINAL,
            methods=options.trained_methods(),
            recipe=options.recipe or (),
            protocol=options.protocol,
            views=options.views,
            frames=options.frames,
            seeds=options.seeds,
            texts=options.texts,
            published=options.published,
            allow_leak=options.allow_leak,
            data_root=options.data_root,
            classes=options.classes,
            output=options.folder,
        )
    except Interrupted as interruption:
        if is_first_process():
            output.note(f"{stop_signals.in_words(interruption)} and saved: run the same command to continue")
        raise typer.Exit(stop_signals.heed(interruption)) from interruption


def _show(report: Report, *, as_json: bool) -> None:
    from vifi_cli.evaluation.report.writing import report_document

    if as_json:
        output.document(report_document(report))
    else:
        show_table(report.table)
    for conditions in dict.fromkeys(str(row.conditions) for row in report.table.rows if row.conditions):
        output.note(f"tested with {conditions} (clips in time x crops in space)")
    for remark in report.notes:
        output.note(remark)
    for stamp in report.stamps:
        output.warning(stamp)
    output.spelling(name for test in report.details for name in test.class_names)
    if report.folder:
        output.note(f"report: {report.folder / 'report.html'}")
