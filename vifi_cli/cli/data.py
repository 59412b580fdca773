"""`vifi data`: looks labelled videos over, and splits them."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli import output
from vifi_cli.cli.options import JsonOption
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vifi_cli.data.checking import BrokenVideo, DataCheck, Leak
    from vifi_cli.data.labeled_videos import LabeledVideos
    from vifi_cli.data.splitting import Shares

PROBLEMS_FOUND = 1
SHOWN = 5
HELD_OUT_SHARE = 0.2

data_app = typer.Typer(help="Check and split labelled videos.", no_args_is_help=True)


class SettingName(StrEnum):
    """A setting of the ViFi-CLIP paper."""

    supervised = "supervised"
    few_shot = "few-shot"
    base2novel = "base2novel"
    novel = "novel"
    zero_shot = "zero-shot"


DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A folder of class folders, a CSV or JSONL table, list files, or ucf101, hmdb51, k400, k600, ssv2.",
        show_default=False,
    ),
]
DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        help="Where the videos of a named set or a list lie; else $VIFI_DATA.",
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
        SettingName, typer.Option(help="The setting whose splits are checked.")
    ] = SettingName.supervised,
    split: Annotated[int, typer.Option(min=1, help="Which of the published splits.")] = 1,
    shots: ShotsOption = None,
    decode: Annotated[bool, typer.Option("--decode/--no-decode", help="Open and decode every video.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Check labelled videos: what is missing, broken, there twice, or known to training and test alike.

    Exit code 0 if all is well, 1 if something was found, 2 if the data cannot be read.
    """
    from vifi_cli.data.checking import check_data
    from vifi_cli.data.loading import read_labeled_videos

    with output.busy("Looking for the videos"):
        videos = read_labeled_videos(
            data, root=data_root, setting=setting.value, split=split, shots=shots, labels=labels
        )
    with output.progress("{task.completed:,.0f}/{task.total:,.0f} videos") as bar:
        task = bar.add_task("Checking", total=len(videos.all_videos()), visible=decode)
        found = check_data(videos, decode=decode, on_decoded=lambda done: bar.update(task, completed=done))
    if as_json:
        output.document(_as_document(found))
    else:
        _show_counts(videos)
        _show_findings(found)
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
    from vifi_cli.data.resplitting import SplitPlan, resplit, split_base_and_novel, write_splits

    _check_output(output_file, data)
    videos = read_own_splits(data, root=data_root, labels=labels)
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
            _show_counts(table)
            output.note(f"{path}: {_sizes(table)}")
        _warn_of_empty_classes(table)
    if as_json:
        output.document([{"file": str(path), **_counts_document(table)} for path, table in tables.items()])
    if keeps_splits:
        output.note("the splits that the data comes in are kept; --val and --test would divide it anew")
    for remark in videos.remarks:
        output.warning(remark)


def _warn_of_empty_classes(videos: LabeledVideos) -> None:
    empty = [name for name, train, *_ in _counts(videos) if videos.train and not train]
    if empty:
        output.warning(
            f"{output.counted(len(empty), 'class has', 'classes have')} no training video: {', '.join(empty[:SHOWN])}; "
            "hold less out, or try another --seed"
        )


def _check_output(output_file: Path, data: str) -> None:
    if output_file.suffix.lower() != ".csv":
        raise InvalidInput(f"{output_file}: the table is CSV, so let its name end in .csv")
    if output_file.absolute() == Path(data).absolute():
        raise InvalidInput(f"{output_file} is the data itself: write to another file")
    if not output_file.absolute().parent.is_dir():
        raise InvalidInput(f"{output_file.parent} is no folder: make it, or write elsewhere")


def _shares(val: float | None, test: float | None, *, holds_out_groups: bool) -> Shares:
    from vifi_cli.data.splitting import Shares

    usual = 0.0 if holds_out_groups else HELD_OUT_SHARE
    return Shares(usual if val is None else val, usual if test is None else test)


def _show_counts(videos: LabeledVideos) -> None:
    """How many videos each class has in each split; a total on a terminal."""
    rows = _counts(videos)
    if output.stdout_is_terminal():
        rows.append(("all", len(videos.train), len(videos.val), len(videos.test)))
    output.rows(
        ("Class", "Train", "Val", "Test"),
        [
            (name, *(f"{count:,}" if output.stdout_is_terminal() else str(count) for count in counts))
            for name, *counts in rows
        ],
        right=("Train", "Val", "Test"),
    )


def _counts(videos: LabeledVideos) -> list[tuple[str, int, int, int]]:
    from vifi_cli.data.labeled_videos import class_counts

    classes = len(videos.class_names)
    counts = [class_counts(split, classes) for split in (videos.train, videos.val, videos.test)]
    return list(zip(videos.class_names, *counts, strict=True))


def _show_findings(found: DataCheck) -> None:
    """What was found, a paragraph a kind, on stderr; the remarks first."""
    videos = found.videos
    for remark in videos.remarks:
        output.note(remark)
    if videos.val and videos.val == videos.test:
        output.note("val and test are the same videos")
    folder = _common_folder(videos)
    _tell("listed video is missing", "listed videos are missing", videos.missing)
    unreadable = [_broken(video, folder) for video in found.broken if not video.is_readable]
    _tell("video cannot be read", "videos cannot be read", unreadable)
    partly = [_broken(video, folder) for video in found.broken if video.is_readable]
    _tell("video can be read only in part", "videos can be read only in part", partly)
    copies = [" = ".join(_below(path, folder) for path in files) for files in found.duplicates]
    _tell("video is there more than once", "videos are there more than once", copies)
    _show_leaks(found.leaks, folder)
    _tell("class has no video to learn from", "classes have no video to learn from", found.empty_classes)
    if found.is_fine:
        output.note(f"{output.counted(len(videos.all_videos()), 'video')}: nothing wrong was found")


def _show_leaks(leaks: Sequence[Leak], folder: Path) -> None:
    said = {
        "file": "held out too",
        "content": "held out too, as a copy",
        "group": "of a scene that is held out too, by UCF-101's names",
    }
    for by, what in said.items():
        for split in ("val", "test"):
            pairs = [
                _below(leak.train, folder) + ("" if by == "file" else f" ~ {_below(leak.held_out, folder)}")
                for leak in leaks
                if (leak.by, leak.split) == (by, split)
            ]
            _tell(f"training video is {what} ({split})", f"training videos are {what} ({split})", pairs)


def _tell(singular: str, plural: str, items: Sequence[str]) -> None:
    if not items:
        return
    output.warning(output.counted(len(items), singular, plural))
    for item in items[:SHOWN]:
        output.note(f"  {item}")
    if len(items) > SHOWN:
        output.note(f"  and {len(items) - SHOWN:,} more; --json lists all")


def _broken(video: BrokenVideo, folder: Path) -> str:
    return f"{_below(video.path, folder)}: {video.reason}"


def _common_folder(videos: LabeledVideos) -> Path:
    folders = [str(video.path.parent) for video in videos.all_videos()]
    return Path(os.path.commonpath(folders)) if folders else Path()


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))


def _sizes(videos: LabeledVideos) -> str:
    return f"{len(videos.train):,} train, {len(videos.val):,} val, {len(videos.test):,} test"


def _counts_document(videos: LabeledVideos) -> dict[str, object]:
    return {
        "train": len(videos.train),
        "val": len(videos.val),
        "test": len(videos.test),
        "classes": [
            {"name": name, "train": train, "val": val, "test": test}
            for name, train, val, test in _counts(videos)
        ],
    }


def _as_document(found: DataCheck) -> dict[str, object]:
    return {
        "data": found.videos.name,
        "fine": found.is_fine,
        **_counts_document(found.videos),
        "remarks": found.videos.remarks,
        "missing": found.videos.missing,
        "broken": [
            {"path": str(video.path), "readable": video.is_readable, "reason": video.reason}
            for video in found.broken
        ],
        "duplicates": [[str(path) for path in files] for files in found.duplicates],
        "leaks": [
            {"by": leak.by, "split": leak.split, "train": str(leak.train), "held_out": str(leak.held_out)}
            for leak in found.leaks
        ],
        "empty_classes": found.empty_classes,
    }
