"""Finds training videos that give away the videos of a test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vifi_cli.data.formats.listing import Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, with_remark
from vifi_cli.data.splits.overlaps import SameFrames
from vifi_cli.video.files.digests import equal_files


@dataclass(frozen=True, slots=True)
class Leak:
    """A training video that gives away a held-out one.

    It is the same `file`, or a part of it at the same time, a copy by `content`, a file of the same `name` where names
    identify videos, shows the same `group`: the same scene or person, or is another `moment` of the same file.
    """

    by: Literal["file", "content", "name", "group", "moment"]
    split: Split  # of the held-out video
    train: LabeledVideo
    held_out: LabeledVideo  # one of those that it gives away


def find_leaks(videos: LabeledVideos, copies: Sequence[tuple[Path, ...]] = ()) -> list[Leak]:
    """Leaks into val and test; `copies` are groups of files with equal content.

    A test split equal to val is checked once.
    """
    held_out: list[tuple[Split, tuple[LabeledVideo, ...]]] = [("val", videos.val)]
    if videos.test != videos.val:
        held_out.append(("test", videos.test))
    return [leak for split, members in held_out for leak in _leaks_into(split, videos.train, members, copies)]


def without_leaks(videos: LabeledVideos, copies: Sequence[tuple[Path, ...]] = ()) -> LabeledVideos:
    """The same without training videos of which val or test show frames, in a copy too; a remark counts them."""
    held_out = SameFrames((*videos.val, *videos.test), copies)
    train = tuple(video for video in videos.train if held_out.find(video) is None)
    if len(train) == len(videos.train):
        return videos
    omitted = f"{len(videos.train) - len(train)} of {len(videos.train)} training videos"
    return with_remark(replace(videos, train=train), f"{omitted} are also in val or test: vifi omits them")


def leaks_between(
    train: Sequence[LabeledVideo], tested: Sequence[LabeledVideo], *, by_name: bool = False
) -> list[Leak]:
    """Training videos of a model that give away the videos it is tested with, at most one leak for each.

    Path, name and group identify a file even if it is gone. With `by_name`, files of the same name are the same video
    in any folder, as in public sets. Moments of one file at different times are no leak, unless they share a group.
    """
    copies = equal_files(dict.fromkeys(video.path for video in (*train, *tested)))
    found = _leaks_into("test", train, tested, copies, by_name=by_name)
    return [leak for leak in found if leak.by != "moment"]


def _leaks_into(
    split: Split,
    train: Sequence[LabeledVideo],
    members: Sequence[LabeledVideo],
    copies: Sequence[tuple[Path, ...]],
    *,
    by_name: bool = False,
) -> Iterator[Leak]:
    held_out = SameFrames(members, copies)
    names: dict[str, list[Path]] = {}
    for path in dict.fromkeys(video.path for video in (*train, *members) if by_name):
        names.setdefault(path.name.casefold(), []).append(path)
    named = SameFrames(members, [tuple(paths) for paths in names.values()])
    by_group = {video.group: video for video in members if video.group}
    for video in train:
        if same := held_out.find(video):
            yield Leak("file" if same.path == video.path else "content", split, video, same)
        elif by_name and (same := named.find(video)):
            yield Leak("name", split, video, same)
        elif video.group in by_group:
            yield Leak("group", split, video, by_group[video.group])
        elif other := held_out.find_dependent(video):
            yield Leak("moment", split, video, other)
