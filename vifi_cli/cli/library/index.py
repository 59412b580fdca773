"""`vifi index`: makes videos searchable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import paths as places
from vifi_cli import stop_signals
from vifi_cli.cli.library.index_report import (
    as_document,
    note_skipped_files,
    show,
    warn_of_failures,
    warn_of_problems,
)
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options.settings import named_in_help
from vifi_cli.cli.terminal.options.shared import DeviceOption, JsonOption, model_option
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import NothingToIndex

if TYPE_CHECKING:
    from vifi_cli.api.library.indexing import IndexRequest
    from vifi_cli.index.catalog.records import FailedFile
    from vifi_cli.index.update.indexer import IndexReport

NO_VIDEOS, SOME_FAILED = 1, 3

PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folders and files to index", show_default="all that were indexed before", readable=False
    ),
]
WatchOption = Annotated[
    bool, typer.Option("--watch", help="Keep running and index new files as they arrive; Ctrl-C ends it")
]


@dataclass(frozen=True, kw_only=True)
class IndexingOptions:
    """How to index; the names are those of `IndexRequest`."""

    model: Annotated[
        str | None, model_option("Model that indexes: see `vifi model list`", default="the index's own")
    ] = None
    device: DeviceOption = "auto"
    frames_per_second: Annotated[
        float | None,
        typer.Option(
            "--fps",
            min=0.01,
            max=60,
            metavar="RATE",
            help="Frames to sample per second of video",
            show_default="1",
        ),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Skip files and folders matching this glob, besides those of the setting (repeatable)",
            callback=named_in_help("exclude"),
        ),
    ] = None
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Do not skip matching hidden files, trash, or low-resolution copies (repeatable)",
        ),
    ] = None
    frame_folders: Annotated[
        bool,
        typer.Option(
            "--frame-folders",
            help="Index folders of numbered pictures, such as img_00001.jpg, as videos",
            callback=named_in_help("frame_folders"),
        ),
    ] = False
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try files again that could not be read before")
    ] = False
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Make the index again, for example with another --model or --fps"),
    ] = False
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, metavar="N", help="Decoding processes", show_default="half the number of cores"
        ),
    ] = None

    def request(self, paths: Sequence[Path]) -> IndexRequest:
        """Asks to index these paths; without any, all that were indexed before."""
        from vifi_cli.api.library.indexing import index_request

        chosen = asdict(self) | {
            "exclude": tuple(self.exclude or ()),
            "include": tuple(self.include or ()),
        }
        return index_request(paths, **chosen)


@spliced
def index(
    how: IndexingOptions,
    paths: PathsArgument = None,
    watch: WatchOption = False,
    as_json: JsonOption = False,
) -> None:
    """Index videos so that you can search them.

    Run it again at any time: it reads only what is new or changed. Interrupt it at any time: what is done stays.

    Exit code 0 if all is indexed, 1 if PATHS hold no videos, 2 if something is wrong, 3 if some could not be read.
    """
    from vifi_cli.api.library.encoders import note_model_setting

    request = how.request(paths or ())
    if watch:
        _follow(request, as_json=as_json)
        return
    report = _run(request)
    warn_of_problems(report)
    if not request.model:
        note_model_setting(places.index_folder(), ON_TERMINAL)
    if as_json:
        output.document(as_document(report))
    elif report or not request.paths:
        show(report)
    if report.failed or report.postponed:
        raise typer.Exit(SOME_FAILED)
    _end_without_videos(request, report)


def _end_without_videos(request: IndexRequest, report: IndexReport) -> None:
    """Names the folders that hold no videos; if none of those asked for does, this is not success."""
    from vifi_cli.api.library.indexing import no_videos_under

    is_all = bool(request.paths) and {*request.paths} == {*report.without_videos}
    silent = [folder for folder in report.without_videos if folder not in report.out_of_reach]
    if silent:
        (output.error if is_all else output.warning)(no_videos_under(silent))
    if is_all:
        raise typer.Exit(NO_VIDEOS)


def _run(request: IndexRequest) -> IndexReport:
    from vifi_cli.api.library.indexing import run_indexing

    try:
        return run_indexing(places.index_folder(), request, ON_TERMINAL)
    except NothingToIndex as error:
        note_skipped_files(error.skipped)
        raise
    except KeyboardInterrupt as stop:  # the run has said how far it came
        raise typer.Exit(stop_signals.heed(stop)) from stop


def _follow(request: IndexRequest, *, as_json: bool) -> None:
    """Indexes now and whenever something appears, changes or goes, and writes a line about it."""
    from vifi_cli.api.library.watching import watch

    is_first = True
    shown: set[FailedFile] = set()

    def show_run(report: IndexReport) -> None:
        nonlocal is_first, shown
        still_out_of_reach, shown = shown, set(report.postponed)
        report = replace(report, postponed=tuple(f for f in report.postponed if f not in still_out_of_reach))
        warn_of_failures(report)
        done = report.news or (report.in_words if is_first else "")
        is_first = False
        if done and as_json:
            output.json_line(as_document(report))
        elif done:
            output.line(f"{datetime.now():%H:%M:%S}  {done}")

    output.note("following; Ctrl-C ends it")
    try:
        watch(places.index_folder(), request, _run, show_run, ON_TERMINAL)
    except KeyboardInterrupt as stop:
        raise typer.Exit(output.ended(stop)) from stop
