"""Options of the commands that train."""

from pathlib import Path
from typing import Annotated

import typer

from vifi_cli.cli.terminal.options import Fusion, Protocol, Tune
from vifi_cli.errors import InvalidInput

DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="ucf101, hmdb51, k400, k600 or ssv2, with :2 for the second official split; a folder with a folder per "
        "class; a CSV or JSONL of path, label and split; or LISTS,LABELS for ViFi-CLIP's lists and label file.",
        show_default=False,
    ),
]
DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root", envvar="VIFI_DATA", help="Where data sets known by name lie.", show_default=False
    ),
]
SettingOption = Annotated[
    str | None,
    typer.Option(
        help="The paper's setting: supervised, few-shot-K for K clips a class, base2novel or zero-shot.",
        show_default="supervised",
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", help="The model to start from; by default as for `vifi index`.", show_default=False
    ),
]
TuneOption = Annotated[
    Tune | None, typer.Option(help="The towers to train; both is ViFi-CLIP.", show_default="both")
]
SideOption = Annotated[
    Tune | None,
    typer.Option(
        "--side",
        help="The towers that get prompts; text leaves an index of the model valid.",
        show_default="both, or text where the image tower takes none",
    ),
]
FusionOption = Annotated[
    Fusion | None,
    typer.Option(
        help="What is averaged over frames: embeddings, predictions, or the pictures.",
        show_default="embedding",
    ),
]
ProtocolOption = Annotated[
    Protocol | None,
    typer.Option(
        help="paper keeps the published code's oddities, default mends them.", show_default="default"
    ),
]
RecipeOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Change the recipe: KEY=VALUE, a TOML file, or one that ships; may be given several times.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The run's folder; below runs/ if not given.", show_default=False),
]
ResumeOption = Annotated[
    Path | None,
    typer.Option(help="Go on with a run that was interrupted, exactly where it was.", show_default=False),
]


def refuse_with_resume(options: dict[str, object]) -> None:
    """Refuses what a run that goes on would ignore.

    Raises:
        InvalidInput: one of these options has a value.
    """
    if given := [name for name, value in options.items() if value is not None]:
        raise InvalidInput(f"{given[0]} does not go with --resume: a run goes on as it began")
