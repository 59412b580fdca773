"""`vifi data`: checks and splits labeled videos."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import wording
from vifi_cli.cli.models.data_findings import (
    FINDINGS,
    MOST_SHOWN,
    check_document,
    counts_document,
    show_findings,
)
from vifi_cli.cli.models.data_overview import show_overview
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.help import App
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import (
    DATA_HELP,
    ClassesOption,
    DataRootOption,
    DeviceOption,
    JsonOption,
    ModelOption,
    output_option,
)
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideos

PROBLEMS_FOUND = 1

ShareOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        metavar="SHARE",
        help="Share of the videos in this split",
        show_default="0.2, or 0 with --hold-out",
    ),
]
DataArgument = Annotated[
    str, typer.Argument(metavar="DATA", autocompletion=completion.datasets, help=DATA_HELP)
]

data_app = App(
    help="""Check and split labeled videos

    DATA is one of:
      clips/                    folders of classes, also in train/, val/, test/
      clips.csv, clips.jsonl    path, label; also split, group, start, end
      list.txt,labels.csv       lines of `path number`, and the class names
      'train-{000..099}.tar'    webdataset shards
      talk.eaf, ants.boris      annotations of ELAN, BORIS, CVAT or VIA
      ucf101, ucf101:2          a public set, and its second official split

    Public sets: ucf101, hmdb51, k400, k600, ssv2, k700, activitynet, hacs-segments, hacs-clips, charades,
    epic-kitchens-verb, epic-kitchens-noun, epic-kitchens-action, diving48, smarthome-cs, smarthome-cv1, smarthome-cv2.
    """
)


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """The fields of `SplitPlan`."""

    val: ShareOption = None
    test: ShareOption = None
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX", help="Keep videos in one split if REGEX finds the same text in their names"
        ),
    ] = None
    hold_out: Annotated[
        list[str] | None, typer.Option(metavar="GROUP", help="Put this group into test (repeatable)")
    ] = None
    shots: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="Training videos per class", show_default="all")
    ] = None
    nested: Annotated[
        bool, typer.Option("--nested", help="Let more --shots with the same --seed contain fewer")
    ] = False
    base_novel: Annotated[
        bool,
        typer.Option("--base-novel", help="Write two tables, the frequent half of the classes and the rest"),
    ] = False
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Random seed")] = 0


@data_app.command()
def check(
    data: DataArgument,
    setting: Annotated[
        str,
        typer.Option(
            metavar="SETTING",
            autocompletion=completion.training_settings,
            help="Setting of the paper to check, such as few-shot-16",
        ),
    ] = "supervised",
    split: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Official split", show_default="1")
    ] = None,
    data_root: DataRootOption = None,
    classes: ClassesOption = None,
    decode: Annotated[bool, typer.Option("--decode/--no-decode", help="Decode every video")] = True,
    near_duplicates: Annotated[
        bool,
        typer.Option(
            "--near-duplicates", help="Also find training videos that are held out re-encoded, cropped or cut"
        ),
    ] = False,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Check labeled videos for missing, broken and duplicate files, leaks and empty classes.

    Exit code 0 if nothing was found, 1 if something was found, 2 if the data cannot be read.
    """
    from vifi_cli.api.data import check_data
    from vifi_cli.api.library.encoders import EncoderChoice
    from vifi_cli.data.source import DataSource

    if model and not near_duplicates:
        raise InvalidInput("--model goes with --near-duplicates: nothing else needs a model")
    source = DataSource.parse(data, data_root)
    source = replace(source, split=split or source.split)
    found = check_data(
        source,
        setting,
        classes=classes,
        decode=decode,
        near_duplicates=EncoderChoice(model, device) if near_duplicates else False,
        feedback=ON_TERMINAL,
    )
    if as_json:
        output.document(check_document(found))
    else:
        _show_counts(found.videos)
        show_findings(found)
        show_overview(found)
    if not found.is_fine:
        raise typer.Exit(PROBLEMS_FOUND)


@data_app.command()
@spliced
def split(
    data: DataArgument,
    output_file: Annotated[Path, output_option("Table to write, .csv or .jsonl", metavar="FILE")],
    how: SplitOptions,
    data_root: DataRootOption = None,
    classes: ClassesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split labeled videos into train, val and test, and write a table for --data.

    Each class has the same shares. If the data has splits, they stay unless you ask for shares or groups; --shots then
    draws from the training videos.
    """
    from vifi_cli.api.data import split_data
    from vifi_cli.data.splits.plan import SplitPlan

    plan = SplitPlan(**asdict(how) | {"hold_out": tuple(how.hold_out or ())})
    made = split_data(data, output_file, plan, data_root=data_root, classes=classes)
    if as_json:
        output.document(
            [{"file": str(path), **counts_document(table)} for path, table in made.tables.items()]
        )
    for path, table in made.tables.items():
        if not as_json:
            _show_counts(table)
            output.note(f"{path}: {table.sizes}")
        _warn_of_empty_classes(table)
    if made.keeps_splits:
        output.note("the splits of the data are kept; --val or --test would draw new ones")
    for remark in made.remarks:
        output.warning(remark)


def _show_counts(videos: LabeledVideos) -> None:
    """Shows how many videos each class has in each split, on a terminal with a total."""
    counts = [astuple(each) for each in videos.counts()]
    if output.stdout_is_terminal():
        counts.append(("all", len(videos.train), len(videos.val), len(videos.test)))
    style = "," if output.stdout_is_terminal() else ""
    cells = [(name, *(format(number, style) for number in numbers)) for name, *numbers in counts]
    output.rows(("Class", "Train", "Val", "Test"), cells, right=("Train", "Val", "Test"))


def _warn_of_empty_classes(videos: LabeledVideos) -> None:
    empty = [each.name for each in videos.counts() if videos.train and not each.train]
    if empty:
        counted = wording.counted(len(empty), *FINDINGS["empty class"])
        named = wording.first_of(empty, MOST_SHOWN)
        output.warning(f"{counted}: {named}; hold out less, or try another --seed")
