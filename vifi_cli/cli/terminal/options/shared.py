"""Options that several commands share, so that one flag means one thing everywhere."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.settings import named_in_help, takes_setting
from vifi_cli.settings.values import Device

Side = Literal["both", "image", "text"]  # the towers that get prompts
Tune = Literal["both", "image", "text", "linear-probe", "tip-adapter"]  # what to train
Fusion = Literal["embedding", "decision", "image"]  # what is averaged over the frames of a clip
Protocol = Literal["default", "paper"]  # how closely to follow the published code


def model_option(help_text: str, *, default: str | None = None, follows_setting: bool = True) -> Any:
    """`-m/--model`; `default` says which model a command uses without it, and without the setting if it has one."""
    return typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        autocompletion=completion.models,
        help=help_text,
        show_default=default or False,
        callback=named_in_help("model") if follows_setting else None,
    )


def output_option(help_text: str, *, metavar: str = "PATH", default: str | None = None) -> Any:
    """`-o/--output`; `default` says where a command writes without it, such as `a new folder in runs/`."""
    return typer.Option("--output", "-o", metavar=metavar, help=help_text, show_default=default or False)


ModelOption = Annotated[
    str | None, model_option("Model to use: see `vifi model list`", default="as for `vifi index`")
]
DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device",
        help="Where the model runs; auto picks a GPU if there is one",
        callback=takes_setting("device"),
    ),
]
DATA_HELP = "Class folders, table, list, shards, annotations or public set: see `vifi data --help`"
DataOption = Annotated[
    str | None, typer.Option("--data", metavar="DATA", autocompletion=completion.datasets, help=DATA_HELP)
]
DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        metavar="FOLDER",
        help="Folder that holds the public sets, or the videos of a list",
        callback=named_in_help("data_root"),
    ),
]
ClassesOption = Annotated[
    str | None,
    typer.Option(
        "--classes",
        metavar="CLASSES",
        help="Only these classes: present (those with videos on disk), a,b,c or a file of names",
        show_default="all",
    ),
]
SettingOption = Annotated[
    str | None,
    typer.Option(
        "--setting",
        metavar="SETTING",
        autocompletion=completion.training_settings,
        help="Setting of the paper: supervised, few-shot-K (K videos per class), base2novel or zero-shot",
        show_default="supervised",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation")]


def given_options(context: typer.Context) -> dict[str, str]:
    """The options that stand on the command line: the flag of each, by the name of its parameter."""
    return {
        str(each.name): str(each.opts[0])
        for each in context.command.params
        if (source := context.get_parameter_source(str(each.name))) and source.name == "COMMANDLINE"
    }
