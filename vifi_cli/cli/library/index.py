"""`vifi index`: makes videos searchable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import paths as places
from vifi_cli import stop_signals, wording
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.option_splicing import spliced
from vifi_cli.cli.terminal.options import DeviceOption, JsonOption, model_option
from vifi_cli.cli.terminal.progress import ON_TERMINAL
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.api.library.indexing import IndexRequest
    from vifi_cli.index.catalog.records import FailedFile
    from vifi_cli.index.update.indexer import IndexReport

SOME_FAILED = 3
MOST_FAILURES_SHOWN = 20
SKIPPED_WORDS = {
    "not_video": ("file that is not a video", "files that are not videos"),
    "only_sound": ("file with sound alone", "files with sound alone"),
    "low_resolution": ("low-resolution copy", "low-resolution copies"),
    "unreadable": (
        "file of an ambiguous name that cannot be read now",
        "files of ambiguous names that cannot be read now",
    ),
    "unfinished": ("unfinished download", "unfinished downloads"),
    "system_folder": ("folder of trash or thumbnails", "folders of trash or thumbnails"),
    "excluded": ("excluded file or folder", "excluded files and folders"),
}
FOLDER_OUT_OF_REACH = "missing, empty, unreadable, or not mounted as before"

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
        typer.Option(metavar="GLOB", help="Skip files and folders matching this glob (repeatable)"),
    ] = None
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Do not skip matching hidden files, trash, or low-resolution copies (repeatable)",
        ),
    ] = None
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
        from vifi_cli.api.library.indexing import IndexRequest

        chosen = asdict(self) | {
            "exclude": tuple(self.exclude or ()),
            "include": tuple(self.include or ()),
        }
        return IndexRequest(tuple(map(given_path, paths)), **chosen)


@spliced
def index(
    how: IndexingOptions,
    paths: PathsArgument = None,
    watch: WatchOption = False,
    as_json: JsonOption = False,
) -> None:
    """Index videos so that you can search them.

    Run it again at any time: it reads only what is new or changed. Interrupt it at any time: what is done stays.
    """
    request = how.request(paths or ())
    if watch:
        _follow(request, as_json=as_json)
        return
    report = _run(request)
    warn_of_problems(report)
    if as_json:
        output.document(as_document(report))
    else:
        show(report)
    if report.failed or report.postponed:
        raise typer.Exit(SOME_FAILED)


def _run(request: IndexRequest) -> IndexReport:
    from vifi_cli.api.library.indexing import run_indexing

    try:
        return run_indexing(places.index_folder(), request, ON_TERMINAL)
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
        _warn_of_failures(report)
        done = _changes_in_words(report) or (f"{report.unchanged:,} unchanged" if is_first else "")
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


def _changes_in_words(report: IndexReport) -> str:
    """One line on a run that did something, empty for one that did nothing."""
    counts = {name: getattr(report, name) for name in ("added", "changed", "moved", "removed")}
    counts["failed"] = len(report.failed) - report.remembered
    counts["out of reach"] = len(report.postponed)
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def as_document(report: IndexReport) -> dict[str, object]:
    """The report as `--json` shows it."""
    return {
        "added": report.added,
        "changed": report.changed,
        "moved": report.moved,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": [{"path": str(failed.file.path), "reason": failed.reason} for failed in report.failed],
        "partly_read": [{"path": str(known.file.path), "reason": known.reason} for known in report.warnings],
        "skipped_files": dict(report.skipped_files),
        "out_of_reach": [
            *({"path": str(known.file.path), "reason": known.reason} for known in report.postponed),
            *({"path": str(folder), "reason": FOLDER_OUT_OF_REACH} for folder in report.out_of_reach),
        ],
        "video_seconds": round(report.video_seconds, 3),
        "wall_seconds": round(report.wall_seconds, 3),
    }


def show(report: IndexReport) -> None:
    """Shows the counts and the speed of an index run."""
    output.line(report.in_words)
    if report.video_seconds:
        output.line(speed(report))


def warn_of_problems(report: IndexReport) -> None:
    """Writes to stderr which files could not be read, and which videos stay although they were not seen."""
    _warn_of_failures(report)
    if report.remembered:
        output.note(
            f"{wording.counted(report.remembered, 'file')} failed in an earlier run and did not change since: "
            "`vifi status` lists them, `vifi index --retry-failed` tries them again"
        )
    for folder in report.out_of_reach:
        output.warning(
            f"{folder} is {FOLDER_OUT_OF_REACH}: what is indexed under it stays "
            f"(`vifi prune --missing {wording.as_argument(folder)}` drops what is out of reach)"
        )
    if report.skipped:
        output.note(
            f"{wording.counted(report.skipped, 'indexed video')} skipped in this run; still in the index "
            "(`vifi prune PATH` drops them, `vifi prune --skipped` those in trash and thumbnails)"
        )
    if shown := _skipped_in_words(report):
        output.note(f"skipped: {shown}")


def _skipped_in_words(report: IndexReport) -> str:
    """How many files and folders a run skipped and why, in one line; hidden ones are expected, and not mentioned."""
    counts = ((report.skipped_files.get(reason, 0), *words) for reason, words in SKIPPED_WORDS.items())
    return ", ".join(wording.counted(count, one, more) for count, one, more in counts if count)


def _warn_of_failures(report: IndexReport) -> None:
    """Reports which files could not be read just now, or only in part."""
    for partly_read in report.warnings:
        output.warning(f"{partly_read.file.path}: {partly_read.reason}")
    _warn_of_files("not indexed", report.failed[: len(report.failed) - report.remembered])
    _warn_of_files("out of reach, tried again by the next run", report.postponed)


def _warn_of_files(problem: str, files: Sequence[FailedFile]) -> None:
    for failed in files[:MOST_FAILURES_SHOWN]:
        output.warning(f"{problem}: {failed.file.path}: {failed.reason}")
    if len(files) > MOST_FAILURES_SHOWN:
        output.warning(f"… and {len(files) - MOST_FAILURES_SHOWN:,} more; `vifi status` lists them all")


def speed(report: IndexReport) -> str:
    """One line on how fast the run was, and which step was slowest."""
    slowest = "decoding" if report.waiting_seconds > report.encoding_seconds else "encoding"
    times_real_time = report.video_seconds / report.wall_seconds
    return (
        f"{wording.clock(report.video_seconds)} of video in {wording.clock(report.wall_seconds)}, "
        f"{times_real_time:.{0 if times_real_time >= 10 else 1}f} times faster than real time; "
        f"slowest was {slowest} (waiting for frames {report.waiting_seconds:.1f} s, "
        f"encoding {report.encoding_seconds:.1f} s)"
    )
