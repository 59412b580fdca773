"""What `vifi data check` found: in lines with the first examples, and complete as a document."""

from __future__ import annotations

import os
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.models.data_overview import overview_document
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideos
    from vifi_cli.data.leaks import Leak
    from vifi_cli.data.video_checks import DataCheck

MOST_SHOWN = 5
FINDINGS = {
    "missing": ("listed video is missing", "listed videos are missing"),
    "unreadable": ("video cannot be read", "videos cannot be read"),
    "cut short": ("video can be read only in part", "videos can be read only in part"),
    "outside": ("moment is not in its file", "moments are not in their files"),
    "without frame": ("moment shows no frame of its file", "moments show no frame of their files"),
    "duplicate": ("video has copies", "videos have copies"),
    "file leak": ("training video is held out too", "training videos are held out too"),
    "content leak": ("training video has a held-out copy", "training videos have held-out copies"),
    "group leak": (
        "training video shows a held-out scene or person",
        "training videos show held-out scenes or persons",
    ),
    "moment leak": (
        "training video is another moment of a held-out file",
        "training videos are other moments of held-out files",
    ),
    "near duplicate": (
        "training video shows the footage of a held-out one",
        "training videos show the footage of held-out ones",
    ),
    "empty class": ("class has no training video", "classes have no training video"),
    "too few groups": ("split cannot be drawn", "splits cannot be drawn"),
    "refused": ("reason why training refuses the data", "reasons why training refuses the data"),
}


def show_findings(found: DataCheck) -> None:
    """Shows remarks on stderr, then each kind of finding with its first examples."""
    videos = found.videos
    for remark in videos.remarks:
        output.note(remark)
    if videos.val and videos.val == videos.test and not any("split" in remark for remark in videos.remarks):
        output.note("val and test are the same videos")
    folder = _common_folder(videos)
    by_kind = sorted(found.findings(), key=lambda each: (list(FINDINGS).index(each.kind), each.split))
    for (kind, split), members in groupby(by_kind, key=lambda each: (each.kind, each.split)):
        lines = [": ".join(filter(None, (each.subject, each.detail))) for each in members]
        where = f" ({split})" if split else ""
        output.warning(wording.counted(len(lines), *FINDINGS[kind]) + where)
        for line in lines[:MOST_SHOWN]:
            output.note(f"  {line.replace(folder, '')}")
        if len(lines) > MOST_SHOWN:
            output.note(f"  and {len(lines) - MOST_SHOWN:,} more; --json lists all")
    if untested := found.untested_classes:
        counted = wording.counted(len(untested), "class has no test video", "classes have no test video")
        output.warning(f"{counted}: {wording.first_of(untested, MOST_SHOWN)}")
    elif found.is_fine:
        output.note(f"{wording.counted(len(videos.all_videos()), 'video')}: no problems found")


def _common_folder(videos: LabeledVideos) -> str:
    """The start of all paths, for short messages."""
    folders = [str(video.path.parent) for video in videos.all_videos()]
    return os.path.commonpath(folders).rstrip("/") + "/" if folders else "\0"


def _leak_document(leak: Leak) -> dict[str, object]:
    from vifi_cli.data.labeled_videos import moment_document

    document: dict[str, object] = {"by": leak.by, "split": leak.split}
    for name, video in (("train", leak.train), ("held_out", leak.held_out)):
        document[name] = video.path
        document |= {f"{name}_{edge}": seconds for edge, seconds in moment_document(video).items()}
    return document


def counts_document(videos: LabeledVideos) -> dict[str, object]:
    """How many videos each split and each class has."""
    return {
        "train": len(videos.train),
        "val": len(videos.val),
        "test": len(videos.test),
        "left_out_classes": videos.left_out,
        "classes": [asdict(each) for each in videos.counts()],
    }


def check_document(found: DataCheck) -> dict[str, object]:
    """All that a check found."""
    from vifi_cli.data.labeled_videos import moment_document

    return {
        "data": found.videos.name,
        "fine": found.is_fine,
        **counts_document(found.videos),
        "remarks": found.videos.remarks,
        "missing": found.videos.missing,
        "broken": [
            {"path": video.path, "readable": video.is_readable, "reason": video.reason}
            for video in found.broken
        ],
        "duplicates": found.duplicates,
        "outside": [
            {"path": one.video.path, **moment_document(one.video), "file_seconds": one.file_seconds}
            for one in found.outside
        ],
        "without_frame": [{"path": video.path, **moment_document(video)} for video in found.without_frame],
        "leaks": [_leak_document(leak) for leak in found.leaks],
        "empty_classes": found.empty_classes,
        "untested_classes": found.untested_classes,
        "unsplittable": found.unsplittable or None,
        "refusals": found.refusals,
        **overview_document(found),
    }
