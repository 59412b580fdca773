"""Options that several commands share, so that one flag means one thing everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Device(StrEnum):
    """Where a model runs."""

    auto = "auto"
    cuda = "cuda"
    mps = "mps"
    cpu = "cpu"


class Tune(StrEnum):
    """The towers that are trained."""

    both = "both"
    image = "image"
    text = "text"


class Fusion(StrEnum):
    """What is averaged over the frames of a clip."""

    embedding = "embedding"
    decision = "decision"
    image = "image"


class Protocol(StrEnum):
    """How closely the published code is followed."""

    default = "default"
    paper = "paper"


def model_option(help_text: str, *, default: str | None = None) -> Any:
    """`-m/--model`, with words of the command's own.

    Args:
        help_text: such as `Model to start from`.
        default: what happens without the option, such as `the index's own`.
    """
    return typer.Option("--model", "-m", metavar="MODEL", help=help_text, show_default=default or False)


def output_option(help_text: str, *, metavar: str = "PATH", default: str | None = None) -> Any:
    """`-o/--output`, with words of the command's own.

    Args:
        help_text: such as `Folder of the run`.
        metavar: `FOLDER` or `FILE` where only one of them will do.
        default: what happens without the option, such as `a new folder in runs/`.
    """
    return typer.Option("--output", "-o", metavar=metavar, help=help_text, show_default=default or False)


ModelOption = Annotated[
    str | None, model_option("Model to use: see `vifi model list`", default="as for `vifi index`")
]
DeviceOption = Annotated[
    Device,
    typer.Option("--device", help="Where the model runs; auto picks a GPU if there is one"),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="Folder of class folders, CSV or JSONL table, LISTS,LABELS, or a public set such as ucf101:2",
        show_default=False,
    ),
]
DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        metavar="FOLDER",
        envvar="VIFI_DATA",
        help="Folder that holds the public sets, or the videos of a list",
        show_default=False,
    ),
]
SettingOption = Annotated[
    str | None,
    typer.Option(
        "--setting",
        metavar="SETTING",
        help="Setting of the paper: supervised, few-shot-K (K videos per class), base2novel or zero-shot",
        show_default="supervised",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation")]
