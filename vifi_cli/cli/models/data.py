"""`vifi data`: looks labelled videos over, and splits them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.models.data_report import (
    MOST_SHOWN,
    as_document,
    counts_by_class,
    counts_document,
    show_counts,
    show_findings,
    sizes,
)
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.help_screen import App
from vifi_cli.cli.terminal.options import DataRootOption, JsonOption
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideos
    from vifi_cli.data.source import DataSource
    from vifi_cli.data.splits.drawing import Shares

PROBLEMS_FOUND = 1
HELD_OUT_SHARE = 0.2

data_app = App(help="Check and split labelled videos.")


DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A folder of class folders, a CSV or JSONL table, list files, or ucf101, hmdb51, k400, k600, ssv2.",
        show_default=False,
    ),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels", help="The class names of numbered labels: a CSV of id,name.", show_default=False
    ),
]
ShotsOption = Annotated[int | None, typer.Option(min=1, help="Training videos a class.", show_default=False)]


@data_app.command()
def check(
    data: DataArgument,
    data_root: DataRootOption = None,
    labels: LabelsOption = None,
    setting: Annotated[
        str, typer.Option(metavar="SETTING", help="Setting of the paper whose splits are checked")
    ] = "supervised",
    split: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Official split", show_default="1")
    ] = None,
    decode: Annotated[bool, typer.Option("--decode/--no-decode", help="Open and decode every video.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Check labelled videos: what is missing, broken, there twice, or known to training and test alike.

    Exit code 0 if all is well, 1 if something was found, 2 if the data cannot be read.
    """
    from vifi_cli.data.checking import check_data
    from vifi_cli.data.loading import read_labeled_videos
    from vifi_cli.data.setting import Setting

    source = _source(data, data_root, labels, split)
    with output.busy("Looking for the videos"):
        videos = read_labeled_videos(source, Setting.parse(setting))
    with output.progress("{task.completed:,.0f}/{task.total:,.0f} videos") as bar:
        task = bar.add_task("Checking", total=len(videos.all_videos()), visible=decode)
        found = check_data(videos, decode=decode, on_decoded=lambda done: bar.update(task, completed=done))
    if as_json:
        output.document(as_document(found))
    else:
        show_counts(videos)
        show_findings(found)
    if not found.is_fine:
        raise typer.Exit(PROBLEMS_FOUND)


@data_app.command("split")
def split_data(
    data: DataArgument,
    output_file: Annotated[
        Path, typer.Option("--output", "-o", help="The CSV file to write.", show_default=False)
    ],
    data_root: DataRootOption = None,
    labels: LabelsOption = None,
    val: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the videos for val; 0.2, or 0 with --hold-out."),
    ] = None,
    test: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the videos for test; 0.2, or 0 with --hold-out."),
    ] = None,
    shots: ShotsOption = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="Let fewer --shots with the same --seed be part of more.")
    ] = False,
    base_novel: Annotated[
        bool,
        typer.Option("--base-novel", help="Write the frequent half of the classes and the others apart."),
    ] = False,
    group_by: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="Keep videos together whose names match alike, a person's, say."),
    ] = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP", help="Put a group into test; may be given several times."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number draws another split.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Split labelled videos into train, val and test, and write a CSV that --data takes.

    Each class is divided in the same shares. Splits that the data comes in are kept if no shares and groups are
    asked for; --shots then draws from the training videos.
    """
    from vifi_cli.data.loading import read_own_splits
    from vifi_cli.data.splits.writing import SplitPlan, resplit, split_base_and_novel, write_splits

    _check_output(output_file, data)
    videos = read_own_splits(_source(data, data_root, labels, None))
    has_splits = bool(videos.val or videos.test)
    keeps_splits = has_splits and val is None and test is None and group_by is None
    shares = None if keeps_splits else _shares(val, test, holds_out_groups=bool(hold_out))
    made = resplit(videos, SplitPlan(shares, group_by, tuple(hold_out or ()), shots, nested, seed))
    tables = {output_file: made}
    if base_novel:
        names = (f"{output_file.stem}-{part}.csv" for part in ("base", "novel"))
        tables = dict(zip(map(output_file.with_name, names), split_base_and_novel(made), strict=True))
    for path, table in tables.items():
        write_splits(table, path)
        if not as_json:
            show_counts(table)
            output.note(f"{path}: {sizes(table)}")
        _warn_of_empty_classes(table)
    if as_json:
        output.document([{"file": str(path), **counts_document(table)} for path, table in tables.items()])
    if keeps_splits:
        output.note("the splits that the data comes in are kept; --val and --test would divide it anew")
    for remark in videos.remarks:
        output.warning(remark)


def _source(data: str, root: Path | None, labels: Path | None, split: int | None) -> DataSource:
    from vifi_cli.data.source import DataSource

    source = DataSource.parse(data, root)
    return replace(source, labels=labels or source.labels, split=split or source.split)


def _warn_of_empty_classes(videos: LabeledVideos) -> None:
    empty = [name for name, train, *_ in counts_by_class(videos) if videos.train and not train]
    if empty:
        said = output.counted(len(empty), "class has", "classes have")
        named = ", ".join(empty[:MOST_SHOWN])
        output.warning(f"{said} no training video: {named}; hold less out, or try another --seed")


def _check_output(output_file: Path, data: str) -> None:
    if output_file.suffix.lower() != ".csv":
        raise InvalidInput(f"{output_file}: the table is CSV, so let its name end in .csv")
    if output_file.absolute() == Path(data).absolute():
        raise InvalidInput(f"{output_file} is the data itself: write to another file")
    if not output_file.absolute().parent.is_dir():
        raise InvalidInput(f"{output_file.parent} is no folder: make it, or write elsewhere")


def _shares(val: float | None, test: float | None, *, holds_out_groups: bool) -> Shares:
    from vifi_cli.data.splits.drawing import Shares

    usual = 0.0 if holds_out_groups else HELD_OUT_SHARE
    return Shares(usual if val is None else val, usual if test is None else test)
