"""Whether labelled videos can be trusted: what is missing, broken, there twice, or known to training and test alike."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.data.forms.listing import Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, class_counts
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.decode.frames import FrameGeometry
from vifi_cli.video.files.discovery import content_fingerprint
from vifi_cli.video.workers.decode_ahead import DecodedVideo, FailedVideo, decode_ahead

DECODED = FrameSampling(frames_per_second=0.1, minimum_frames=8)  # from the start to the end of any video
THUMBNAIL = FrameGeometry(32, 32)
MOST_WORKERS = 16


@dataclass(frozen=True, slots=True)
class BrokenVideo:
    """A video that cannot be read, or only in part, and why."""

    path: Path
    reason: str
    is_readable: bool


@dataclass(frozen=True, slots=True)
class Leak:
    """A training video that gives away a held-out one.

    Attributes:
        by: `file` if it is the same file, `content` if a copy, `name` if a file of the same name, where names stand
            for videos, `group` if it shows the same scene or person.
        split: of the held-out video.
        train: the training video.
        held_out: one of the held-out videos that it gives away.
    """

    by: Literal["file", "content", "name", "group"]
    split: Split
    train: Path
    held_out: Path


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What a check found.

    Attributes:
        videos: what was checked.
        broken: videos that could not be decoded, or not to their end; empty if decoding was not asked for.
        duplicates: files of equal content, where there are two or more.
        leaks: at most one for each training video and held-out split.
    """

    videos: LabeledVideos
    broken: tuple[BrokenVideo, ...]
    duplicates: tuple[tuple[Path, ...], ...]
    leaks: tuple[Leak, ...]

    @property
    def empty_classes(self) -> tuple[str, ...]:
        """Classes without a training video, or without any where there is no training."""
        names = self.videos.class_names
        counts = class_counts(self.videos.train or self.videos.all_videos(), len(names))
        return tuple(name for name, count in zip(names, counts, strict=True) if not count)

    @property
    def is_fine(self) -> bool:
        """Whether nothing was found."""
        found = self.broken or self.duplicates or self.leaks or self.videos.missing or self.empty_classes
        return not found


def check_data(
    videos: LabeledVideos, *, decode: bool = True, on_decoded: Callable[[int], None] = lambda _: None
) -> DataCheck:
    """Looks for what spoils training and results.

    Args:
        videos: to look at.
        decode: whether every file is decoded at eight places or more, a few at a time.
        on_decoded: told how many files are done.
    """
    paths = [video.path for video in videos.all_videos()]
    copies = _copies(dict.fromkeys(paths))
    return DataCheck(
        videos,
        tuple(_decode(list(dict.fromkeys(paths)), on_decoded)) if decode else (),
        tuple(copies),
        tuple(find_leaks(videos, copies)),
    )


def find_leaks(videos: LabeledVideos, copies: Sequence[tuple[Path, ...]] = ()) -> list[Leak]:
    """The training videos that are held out too, as the same file, as a copy, or as another of the same group.

    Args:
        videos: to look at; a test split equal to val is looked at once.
        copies: files of equal content.
    """
    held_out: list[tuple[Split, tuple[LabeledVideo, ...]]] = [("val", videos.val)]
    if videos.test != videos.val:
        held_out.append(("test", videos.test))
    return [leak for split, members in held_out for leak in _leaks_into(split, videos.train, members, copies)]


def leaks_between(
    train: Sequence[LabeledVideo], tested: Sequence[LabeledVideo], *, by_name: bool = False
) -> list[Leak]:
    """The videos that a model learned from and that give away those it is tested with.

    Args:
        train: what it learned from; files that are gone can still be known by path, name or group.
        tested: what it is tested with.
        by_name: whether a file of the same name is the same video, wherever it lies, as in public sets.

    Returns:
        At most one leak a training video.
    """
    copies = _copies(dict.fromkeys(video.path for video in (*train, *tested)))
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


def _copies(paths: Iterable[Path]) -> list[tuple[Path, ...]]:
    """Files of equal content; only those of equal size are read."""
    by_size: dict[int, list[Path]] = {}
    for path in paths:
        try:
            by_size.setdefault(path.stat().st_size, []).append(path)
        except OSError:  # gone since it was listed; decoding will say so
            continue
    by_content: dict[str, list[Path]] = {}
    for files in by_size.values():
        for path in files if len(files) > 1 else ():
            try:
                by_content.setdefault(content_fingerprint(path), []).append(path)
            except OSError:
                continue
    return [tuple(files) for files in by_content.values() if len(files) > 1]


def _decode(paths: list[Path], on_decoded: Callable[[int], None]) -> Iterable[BrokenVideo]:
    done = 0
    broken: dict[int, BrokenVideo] = {}
    workers = max(1, min(len(paths), os.cpu_count() or 1, MOST_WORKERS))
    with closing(decode_ahead(paths, DECODED, THUMBNAIL, workers=workers, threads=1)) as events:
        for event in events:
            if isinstance(event, FailedVideo):
                broken[event.position] = BrokenVideo(paths[event.position], event.reason, is_readable=False)
            elif isinstance(event, DecodedVideo) and event.info.warning:
                broken[event.position] = BrokenVideo(
                    paths[event.position], event.info.warning, is_readable=True
                )
            if isinstance(event, FailedVideo | DecodedVideo):
                done += 1
                on_decoded(done)
    return [broken[position] for position in sorted(broken)]
