"""Whether labelled videos can be trusted: missing, broken and duplicate files, leaks, and classes without videos."""

import os
from collections import Counter
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
        by: `file` if it is the same file, `content` if it is a copy, `name` if a file of the same name, in data where
            names identify videos, `group` if it shows the same scene or person.
        split: of the held-out video.
        train: the training video.
        held_out: one of the held-out videos that it gives away.
    """

    by: Literal["file", "content", "name", "group"]
    split: Split
    train: Path
    held_out: Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of the data.

    Attributes:
        kind: `missing`, `unreadable`, `cut short`, `duplicate`, `file leak`, `content leak`, `group leak` or
            `empty class`.
        subject: the path of a video, as the source lists it if it is missing, or the name of a class.
        detail: the reason, or the other video.
        split: of the held-out video that a training video gives away; else empty.
    """

    kind: str
    subject: str
    detail: str = ""
    split: Split | Literal[""] = ""


@dataclass(frozen=True, slots=True, repr=False)
class DataCheck:
    """What a check found.

    Attributes:
        videos: that were checked.
        broken: videos that cannot be decoded, or not to their end; empty without decoding.
        duplicates: files of equal content, two or more each.
        leaks: at most one for each training video and held-out split.
    """

    videos: LabeledVideos
    broken: tuple[BrokenVideo, ...]
    duplicates: tuple[tuple[Path, ...], ...]
    leaks: tuple[Leak, ...]

    @property
    def empty_classes(self) -> tuple[str, ...]:
        """Classes without a training video, or without any video if the data is only for testing."""
        names = self.videos.class_names
        counts = class_counts(self.videos.train or self.videos.all_videos(), len(names))
        return tuple(name for name, count in zip(names, counts, strict=True) if not count)

    @property
    def is_fine(self) -> bool:
        """Whether nothing was found."""
        return not self.findings()

    def findings(self) -> tuple[Finding, ...]:
        """All that was found, a row each: `pandas.DataFrame(check.findings())`."""
        return (
            *(Finding("missing", file) for file in self.videos.missing),
            *(
                Finding("cut short" if video.is_readable else "unreadable", str(video.path), video.reason)
                for video in self.broken
            ),
            *(
                Finding("duplicate", str(first), ", ".join(map(str, more)))
                for first, *more in self.duplicates
            ),
            *(
                Finding(
                    f"{leak.by} leak",
                    str(leak.train),
                    "" if leak.by == "file" else str(leak.held_out),
                    leak.split,
                )
                for leak in self.leaks
            ),
            *(Finding("empty class", name) for name in self.empty_classes),
        )

    def __repr__(self) -> str:
        kinds = Counter(finding.kind for finding in self.findings())
        found = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "no problems"
        return f"<DataCheck {self.videos.name!r}: {len(self.videos.all_videos())} videos, {found}>"


def check_videos(
    videos: LabeledVideos, *, decode: bool = True, on_decoded: Callable[[int], None] = lambda _: None
) -> DataCheck:
    """Finds what spoils training and results.

    Args:
        videos: to check.
        decode: whether to decode every file at eight places or more, a few files at a time.
        on_decoded: receives the number of files that are done.
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
    """Training videos that are held out too: as the same file, as a copy, or as another video of the same group.

    Args:
        videos: a test split equal to val is checked once.
        copies: files of equal content.
    """
    held_out: list[tuple[Split, tuple[LabeledVideo, ...]]] = [("val", videos.val)]
    if videos.test != videos.val:
        held_out.append(("test", videos.test))
    return [leak for split, members in held_out for leak in _leaks_into(split, videos.train, members, copies)]


def leaks_between(
    train: Sequence[LabeledVideo], tested: Sequence[LabeledVideo], *, by_name: bool = False
) -> list[Leak]:
    """Training videos of a model that give away the videos it is tested with.

    Args:
        train: of the model; path, name and group identify a file even if it is gone.
        tested: of the test.
        by_name: whether files of the same name are the same video in any folder, as in public sets.

    Returns:
        At most one leak for each training video.
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
        except OSError:  # gone since it was listed; decoding reports it
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
