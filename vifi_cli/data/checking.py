"""Whether labelled videos can be trusted: what is missing, broken, there twice, or known to training and test alike."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, class_counts
from vifi_cli.data.listing import Split
from vifi_cli.video.decode_ahead import DecodedVideo, FailedVideo, decode_ahead
from vifi_cli.video.discovery import content_fingerprint
from vifi_cli.video.frames import FrameGeometry
from vifi_cli.video.sampling import FrameSampling

DECODED = FrameSampling(frames_per_second=0.1, minimum_frames=8)  # from the start to the end of any video
THUMBNAIL = FrameGeometry(32, 32)
MOST_WORKERS = 16
_UCF_GROUP = re.compile(r"(v_.+_g\d+)_c\d+", re.IGNORECASE)


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
        by: `file` if it is the same file, `content` if a copy, `group` if a clip of the same scene, which UCF-101's
            names tell (`_g01_`).
        split: of the held-out video.
        train: the training video.
        held_out: one of the held-out videos that it gives away.
    """

    by: Literal["file", "content", "group"]
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
    """The training videos that are held out too, as the same file, as a copy, or as a clip of the same scene.

    Args:
        videos: to look at; a test split equal to val is looked at once.
        copies: files of equal content.
    """
    original = {path: files[0] for files in copies for path in files}
    held_out: list[tuple[Split, tuple[LabeledVideo, ...]]] = [("val", videos.val)]
    if videos.test != videos.val:
        held_out.append(("test", videos.test))
    leaks = []
    for split, members in held_out:
        by_file = {video.path: video.path for video in members}
        by_content = {original.get(path, path): path for path in by_file}
        by_group = {group: path for path in by_file if (group := _ucf_group(path))}
        for video in videos.train:
            path, group = video.path, _ucf_group(video.path)
            if path in by_file:
                leaks.append(Leak("file", split, path, path))
            elif original.get(path, path) in by_content:
                leaks.append(Leak("content", split, path, by_content[original.get(path, path)]))
            elif group in by_group:
                leaks.append(Leak("group", split, path, by_group[group]))
    return leaks


def _ucf_group(path: Path) -> str | None:
    found = _UCF_GROUP.fullmatch(path.stem)
    return found[1].lower() if found else None


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
