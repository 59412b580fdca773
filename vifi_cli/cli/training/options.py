"""The options of the training commands, and how they become one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from vifi_cli import stop_signals
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import (
    ClassesOption,
    DataOption,
    DataRootOption,
    DeviceOption,
    JsonOption,
    Protocol,
    SettingOption,
    Side,
    model_option,
    output_option,
)
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import InvalidInput
from vifi_cli.wording import as_argument

training_option = partial(typer.Option, rich_help_panel="Training")
SideOption = Annotated[
    Side | None,
    training_option(
        "--side",
        help="Towers that get prompts; text leaves an index of the model valid",
        show_default="both, or text where the image tower takes none",
    ),
]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class TrainingSource:
    """Options: what the model learns from, and the model."""

    data: DataOption = None
    concepts: Annotated[
        str | None,
        typer.Option(
            "--concepts",
            metavar="NAMES",
            help="Instead of --data: the moments that you marked for these concepts, as a,b,c",
            rich_help_panel="Data",
            show_default=False,
        ),
    ] = None
    data_root: DataRootOption = None
    classes: ClassesOption = None
    setting: SettingOption = None
    texts: Annotated[
        str | None,
        typer.Option(
            "--texts",
            metavar="FILE",
            autocompletion=completion.class_texts,
            help="Class texts: a JSON file of templates or descriptions, or bare, short or video",
            show_default="the recipe's template",
            rich_help_panel="Data",
        ),
    ] = None
    model: Annotated[str | None, model_option("Model to start from", default="as for `vifi index`")] = None


@dataclass(frozen=True, slots=True)
class RunChoice:
    """Options: how the run is carried out, and where it is saved."""

    protocol: Annotated[
        Protocol | None,
        training_option(
            help="paper keeps the oddities of the published code, default fixes them", show_default="default"
        ),
    ] = None
    recipe: Annotated[
        list[str] | None,
        training_option(
            metavar="CHANGE",
            autocompletion=completion.recipes,
            help="Change the recipe: KEY=VALUE, a TOML file, or the name of a preset (repeatable)",
            show_default=False,
        ),
    ] = None
    folder: Annotated[
        Path | None,
        output_option(
            "Folder of the run",
            metavar="FOLDER",
            default="a new one in runs/",
        ),
    ] = None
    resume: Annotated[
        Path | None,
        training_option(
            metavar="FOLDER",
            autocompletion=completion.runs,
            help="Continue an interrupted run where it stopped; with --data if its data was moved",
            show_default=False,
        ),
    ] = None
    dry_run: Annotated[
        bool, training_option("--dry-run", "-n", help="Show steps, memory, disk and time, and train nothing")
    ] = False
    device: DeviceOption = "auto"
    as_json: JsonOption = False


def train_or_resume(
    source: TrainingSource,
    run: RunChoice,
    own: Mapping[str, str | None],
    *,
    train: Callable[..., Result],
    resume: Callable[..., Result],
) -> Result:
    """Call `train` for a new run, or `resume` with --resume; `own` are the options of one command by their flags."""
    from vifi_cli.api.feedback import is_first_process
    from vifi_cli.api.training.run import Interrupted

    asked = {
        "--data": source.data, "--concepts": source.concepts, "--classes": source.classes,
        "--setting": source.setting, "--texts": source.texts, "--model": source.model, **own,
        "--protocol": run.protocol, "--output": run.folder,
    }  # fmt: skip
    given = {flag: value for flag, value in asked.items() if value is not None}
    if run.resume and (fixed := [flag for flag in given if flag != "--data"]):
        raise InvalidInput(f"{fixed[0]} does not go with --resume: a run continues as it began")
    if run.resume and run.dry_run:
        raise InvalidInput("--dry-run does not go with --resume: it plans a new run")
    # the functions know --side as tune
    options: dict[str, Any] = {
        "tune" if flag == "--side" else flag.removeprefix("--"): value for flag, value in given.items()
    }
    options |= {"recipe": run.recipe or [], "data_root": source.data_root, "device": run.device}
    if run.dry_run:
        from vifi_cli.api.training.estimate import estimate_training
        from vifi_cli.cli.training.estimates import show_estimates

        function: Any = train.__name__
        planned = estimate_training(function=function, feedback=ON_TERMINAL, **options)
        show_estimates(planned, as_json=run.as_json)
        raise typer.Exit
    try:
        if run.resume:
            return resume(run.resume, feedback=ON_TERMINAL, **options)
        return train(feedback=ON_TERMINAL, **options)
    except Interrupted as interruption:
        if is_first_process():
            command = f"vifi {train.__name__.replace('_', '-')} --resume {as_argument(interruption.folder)}"
            output.note(f"{stop_signals.in_words(interruption)} and saved; continue with {command}")
        raise typer.Exit(stop_signals.heed(interruption)) from interruption
