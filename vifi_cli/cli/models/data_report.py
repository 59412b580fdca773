"""What `vifi data` shows: videos counted by class and split, and what a check found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vifi_cli.data.checking import BrokenVideo, DataCheck, Leak
    from vifi_cli.data.labeled_videos import LabeledVideos

MOST_SHOWN = 5


def show_counts(videos: LabeledVideos) -> None:
    """How many videos each class has in each split; a total on a terminal."""
    rows = counts_by_class(videos)
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


def counts_by_class(videos: LabeledVideos) -> list[tuple[str, int, int, int]]:
    """Each class with the number of its videos in train, val and test."""
    from vifi_cli.data.labeled_videos import class_counts

    classes = len(videos.class_names)
    counts = [class_counts(split, classes) for split in (videos.train, videos.val, videos.test)]
    return list(zip(videos.class_names, *counts, strict=True))


def show_findings(found: DataCheck) -> None:
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
        "group": "of a scene or person that is held out too",
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
    for item in items[:MOST_SHOWN]:
        output.note(f"  {item}")
    if len(items) > MOST_SHOWN:
        output.note(f"  and {len(items) - MOST_SHOWN:,} more; --json lists all")


def _broken(video: BrokenVideo, folder: Path) -> str:
    return f"{_below(video.path, folder)}: {video.reason}"


def _common_folder(videos: LabeledVideos) -> Path:
    folders = [str(video.path.parent) for video in videos.all_videos()]
    return Path(os.path.commonpath(folders)) if folders else Path()


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))


def sizes(videos: LabeledVideos) -> str:
    """How many videos each split has, in words."""
    return f"{len(videos.train):,} train, {len(videos.val):,} val, {len(videos.test):,} test"


def counts_document(videos: LabeledVideos) -> dict[str, object]:
    """The counts for a JSON document."""
    return {
        "train": len(videos.train),
        "val": len(videos.val),
        "test": len(videos.test),
        "classes": [
            {"name": name, "train": train, "val": val, "test": test}
            for name, train, val, test in counts_by_class(videos)
        ],
    }


def as_document(found: DataCheck) -> dict[str, object]:
    """All that was found, for a JSON document."""
    return {
        "data": found.videos.name,
        "fine": found.is_fine,
        **counts_document(found.videos),
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
