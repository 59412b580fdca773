"""Finds training videos that give away the videos of a test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.data.formats.listing import Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.video.files.digests import equal_files


@dataclass(frozen=True, slots=True)
class Leak:
    """A training video that gives away a held-out one.

    It is the same `file`, a copy by `content`, a file of the same `name` where names identify videos, or shows the same
    `group`: the same scene or person.
    """

    by: Literal["file", "content", "name", "group"]
    split: Split  # of the held-out video
    train: Path
    held_out: Path  # one of those that it gives away


def find_leaks(videos: LabeledVideos, copies: Sequence[tuple[Path, ...]] = ()) -> list[Leak]:
    """Leaks into val and test; `copies` are groups of files with equal content.

    A test split equal to val is checked once.
    """
    held_out: list[tuple[Split, tuple[LabeledVideo, ...]]] = [("val", videos.val)]
    if videos.test != videos.val:
        held_out.append(("test", videos.test))
    return [leak for split, members in held_out for leak in _leaks_into(split, videos.train, members, copies)]


def leaks_between(
    train: Sequence[LabeledVideo], tested: Sequence[LabeledVideo], *, by_name: bool = False
) -> list[Leak]:
    """Training videos of a model that give away the videos it is tested with, at most one leak for each.

    Path, name and group identify a file even if it is gone. With `by_name`, files of the same name are the same video
    in any folder, as in public sets.
    """
    copies = equal_files(dict.fromkeys(video.path for video in (*train, *tested)))
    return list(_leaks_into("test", train, tested, copies, by_name=by_name))


def _leaks_into(
    split: Split,
    train: Sequence[LabeledVideo],
    members: Sequence[LabeledVideo],
    copies: Sequence[tuple[Path, ...]],
    *,
    by_name: bool = False,
) -> Iterator[Leak]:
    original = {path: files[0] for files in copies for path in files}
    by_file = {video.path: video.path for video in members}
    by_content = {original.get(path, path): path for path in by_file}
    named = {path.name.casefold(): path for path in by_file} if by_name else {}
    by_group = {video.group: video.path for video in members if video.group}
    for video in train:
        path = video.path
        if path in by_file:
            yield Leak("file", split, path, path)
        elif original.get(path, path) in by_content:
            yield Leak("content", split, path, by_content[original.get(path, path)])
        elif path.name.casefold() in named:
            yield Leak("name", split, path, named[path.name.casefold()])
        elif video.group in by_group:
            yield Leak("group", split, path, by_group[video.group])
