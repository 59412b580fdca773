"""Shows the report of an index run: a summary, what could not be read, and a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from pathlib import Path

    from vifi_cli.index.catalog.records import FailedFile
    from vifi_cli.index.update.indexer import IndexReport

MOST_FAILURES_SHOWN = 20
LEAST_SHOWN_SECONDS = 0.05
FAST = 9.5  # times real time, from which on decimals do not matter
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
SHARD_OUT_OF_REACH = "missing, unreadable, or cut off"


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
            *({"path": str(folder), "reason": _why_out_of_reach(folder)} for folder in report.out_of_reach),
        ],
        "video_seconds": round(report.video_seconds, 3),
        "wall_seconds": round(report.wall_seconds, 3),
    }


def show(report: IndexReport) -> None:
    """Shows the counts and the speed of an index run."""
    output.line(report.in_words)
    if report.video_seconds:
        output.line(speed(report))


def speed(report: IndexReport) -> str:
    """One line on how fast the run was, and on what it spent its time."""
    times_real_time = report.video_seconds / max(report.wall_seconds, LEAST_SHOWN_SECONDS)
    steps = (
        ("loading the model", report.loading_seconds),
        ("waiting for frames", report.waiting_seconds),
        ("encoding", report.encoding_seconds),
    )
    spent = ", ".join(f"{step} {wording.duration(s)}" for step, s in steps if s >= LEAST_SHOWN_SECONDS)
    return (
        f"{wording.clock(report.video_seconds)} of video in {wording.duration(report.wall_seconds)}, "
        f"{times_real_time:,.{0 if times_real_time >= FAST else 1}f}x real time"
        + (f" ({spent})" if spent else "")
    )


def warn_of_problems(report: IndexReport) -> None:
    """Writes to stderr which files could not be read, and which videos stay although they were not seen."""
    warn_of_failures(report)
    if report.remembered:
        output.note(
            f"{wording.counted(report.remembered, 'file')} failed in an earlier run and did not change since: "
            "`vifi status` lists them, `vifi index --retry-failed` tries them again"
        )
    for folder in report.out_of_reach:
        output.warning(
            f"{folder} is {_why_out_of_reach(folder)}: what is indexed under it stays "
            f"(`vifi prune --missing {wording.as_argument(folder)}` drops what is out of reach)"
        )
    if report.skipped:
        output.note(
            f"{wording.counted(report.skipped, 'indexed video')} skipped in this run; still in the index "
            "(`vifi prune PATH` drops them, `vifi prune --skipped` those in trash and thumbnails)"
        )
    note_skipped_files(report.skipped_files)


def _why_out_of_reach(place: Path) -> str:
    from vifi_cli.video.files.virtual.tar_shards import is_shard_name

    return SHARD_OUT_OF_REACH if is_shard_name(place) else FOLDER_OUT_OF_REACH


def note_skipped_files(skipped: Mapping[str, int]) -> None:
    """Writes how many files and folders were skipped and why; hidden ones are expected, and not mentioned."""
    counts = ((skipped.get(reason, 0), *words) for reason, words in SKIPPED_WORDS.items())
    if shown := ", ".join(wording.counted(count, one, more) for count, one, more in counts if count):
        output.note(f"skipped: {shown}")
    if folders := skipped.get("frame_folder", 0):
        looks = "looks like the frames of a video" if folders == 1 else "look like the frames of videos"
        them = "it" if folders == 1 else "them"
        folders_shown = f"{wording.counted(folders, 'folder')} of numbered pictures"
        output.note(f"{folders_shown} {looks}: `vifi index --frame-folders` indexes {them}")


def warn_of_failures(report: IndexReport) -> None:
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
