"""Labeled videos in their splits, the type that every form of data is read into."""

import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.errors import InvalidInput, VideoOutOfReach
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.wording import counted, first_of

_UCF101_NAME = re.compile(r"(v_.+_g\d+)_c\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LabeledVideo:
    """A video, or a part of one, and its class or classes."""

    path: Path  # absolute
    label: int  # index into the class names of the set
    group: str = ""  # the scene or person that it shows, if known; videos of one group are not independent
    part: TimeRange = WHOLE_VIDEO  # what of the file is meant; parts of one file are different videos
    more_labels: tuple[int, ...] = ()  # further classes, where a video shows several

    @property
    def labels(self) -> tuple[int, ...]:
        """All classes, each once."""
        return (self.label, *self.more_labels)

    @property
    def is_moment(self) -> bool:
        """Whether it is a part of a file."""
        return self.part != WHOLE_VIDEO

    @property
    def key(self) -> tuple[Path, TimeRange]:
        """What distinguishes it from other videos: the file, and which part of it."""
        return self.path, self.part

    @property
    def name(self) -> str:
        """The file's name, with the times of a part as `vifi cut` takes them: `match.mp4@1:20-1:28.5`."""
        return f"{self.path.name}@{self.part}" if self.is_moment else self.path.name

    @property
    def address(self) -> str:
        """The path, with the times of a part: `/videos/match.mp4@1:20-1:28.5`."""
        return f"{self.path}@{self.part}" if self.is_moment else str(self.path)

    @property
    def link(self) -> str:
        """An address for browsers, which play a part alone."""
        uri, (start, end) = self.path.as_uri(), (self.part.start_seconds, self.part.end_seconds)
        if not self.is_moment:
            return uri
        return f"{uri}#t={start:.3f},{end:.3f}" if math.isfinite(end) else f"{uri}#t={start:.3f}"

    @property
    def known_group(self) -> str:
        """What dependent videos share: their group, or else the file of which they are parts; empty if not known."""
        return self.group or (str(self.path) if self.is_moment else "")

    @property
    def unit(self) -> str:
        """What it is drawn with, where complete groups are drawn: its known group, or itself."""
        return self.known_group or str(self.path)


def moment_document(video: LabeledVideo) -> dict[str, float | None]:
    """The times of a part for documents, `start` and `end` in seconds, an infinite one as null; empty for a file."""
    part = video.part
    end = part.end_seconds if math.isfinite(part.end_seconds) else None
    return {"start": part.start_seconds, "end": end} if video.is_moment else {}


def check_in_reach(videos: Sequence[LabeledVideo]) -> None:
    """Checks, once a video could not be read, that not the complete dataset has vanished, as with an unplugged disk.

    Raises:
        VideoOutOfReach: the folder that holds all videos is missing, empty or unreadable.
    """
    folder = os.path.commonpath([video.path.parent for video in videos])
    if os.path.isfile(folder):  # noqa: PTH113 - a shard that holds all of them
        return
    try:
        with os.scandir(folder) as entries:
            is_away = next(entries, None) is None
    except OSError:
        is_away = True
    if is_away:
        raise VideoOutOfReach(f"{folder} is missing, empty or unreadable: plug its disk in")


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many videos a class has in each split."""

    name: str
    train: int
    val: int
    test: int


@dataclass(frozen=True, slots=True, repr=False)
class LabeledVideos:
    """A set of labeled videos.

    `val` monitors training, `test` gives the results. A dataset with a single held-out list, such as UCF-101, HMDB-51
    and the paper's settings, has it as both.
    """

    name: str  # of the set, or the path it was read from
    class_names: tuple[str, ...]  # as the source spells them
    train: tuple[LabeledVideo, ...] = ()
    val: tuple[LabeledVideo, ...] = ()
    test: tuple[LabeledVideo, ...] = ()
    missing: tuple[str, ...] = ()  # listed files that are not on disk, as the source spells them
    remarks: tuple[str, ...] = ()  # sentences for the user
    missing_labels: tuple[int, ...] = ()  # of `missing`, where they are known
    left_out: tuple[str, ...] = ()  # classes of the source that were not chosen

    def all_videos(self) -> tuple[LabeledVideo, ...]:
        """The videos of all splits, each once."""
        return tuple(dict.fromkeys((*self.train, *self.val, *self.test)))

    def counts(self) -> tuple[ClassCount, ...]:
        """The number of videos of each class, a row each: `pandas.DataFrame(videos.counts())`."""
        splits = [class_counts(split, len(self.class_names)) for split in (self.train, self.val, self.test)]
        return tuple(map(ClassCount, self.class_names, *splits))

    @property
    def sizes(self) -> str:
        """The number of videos in each split, in words."""
        return f"{len(self.train):,} train, {len(self.val):,} val, {len(self.test):,} test"

    @property
    def class_part(self) -> str:
        """Which part of the classes of the source these are: `4 classes, 97 left out`; empty for all of them."""
        return (
            f"{counted(len(self.class_names), 'class', 'classes')}, {len(self.left_out)} left out"
            if self.left_out
            else ""
        )

    def __repr__(self) -> str:
        return f"<LabeledVideos {self.name!r}: {len(self.class_names)} classes, {self.sizes}>"


def ucf101_group(path: Path) -> str:
    """The group in a file name of UCF-101, such as `v_archery_g01` in `v_Archery_g01_c01.avi`; else ""."""
    found = _UCF101_NAME.fullmatch(path.stem)
    return found[1].lower() if found else ""


def shows_several_classes(videos: Iterable[LabeledVideo]) -> bool:
    """Whether some video has more than one class, so that mean average precision is the score instead of top-1."""
    return any(video.more_labels for video in videos)


def with_remark(videos: LabeledVideos, remark: str) -> LabeledVideos:
    """The same videos with one more remark."""
    return replace(videos, remarks=(*videos.remarks, remark))


def restrict_to_classes(videos: LabeledVideos, classes: Sequence[int]) -> LabeledVideos:
    """The videos of some classes, without their other classes; the new label of a class is its place in `classes`."""
    new_label = {label: place for place, label in enumerate(classes)}

    def restricted(split: tuple[LabeledVideo, ...]) -> tuple[LabeledVideo, ...]:
        kept = (
            (video, [new_label[label] for label in video.labels if label in new_label]) for video in split
        )
        return tuple(
            replace(video, label=labels[0], more_labels=tuple(labels[1:])) for video, labels in kept if labels
        )

    missing = zip(videos.missing, videos.missing_labels, strict=bool(videos.missing_labels))
    kept = [(file, new_label[label]) for file, label in missing if label in new_label]
    return replace(
        videos,
        class_names=tuple(videos.class_names[label] for label in classes),
        missing=tuple(file for file, _ in kept) if videos.missing_labels else videos.missing,
        missing_labels=tuple(label for _, label in kept),
        train=restricted(videos.train),
        val=restricted(videos.val),
        test=restricted(videos.test),
    )


def class_counts(split: Sequence[LabeledVideo], classes: int) -> list[int]:
    """How many videos each class has in a split, a video of several classes in each."""
    counts = Counter(label for video in split for label in video.labels)
    return [counts[label] for label in range(classes)]


def digest_of_list(videos: Sequence[LabeledVideo], class_names: Sequence[str]) -> str:
    """SHA-256 over file names, without folders, the times of parts, and class names, in order: 64 hex digits."""
    digest = hashlib.sha256()
    for video in videos:
        part = f"@{video.part.start_seconds}-{video.part.end_seconds}" if video.is_moment else ""
        names = "\0".join(class_names[label] for label in video.labels)
        digest.update(os.fsencode(video.path.name) + part.encode() + b"\0" + names.encode() + b"\n")
    return digest.hexdigest()


def require_usable(videos: LabeledVideos) -> None:
    """Checks that a model can be trained or tested.

    Raises:
        InvalidInput: one of the `refusals`, or a class without training video.
    """
    if refusal := next(refusals(videos), None):
        raise InvalidInput(refusal)
    empty = [repr(count.name) for count in videos.counts() if not count.train]
    if videos.train and empty:
        missing = f" ({counted(len(videos.missing), 'listed video')} not on disk)" if videos.missing else ""
        raise InvalidInput(
            f"{videos.name} has no training video of {first_of(empty, 3)}{missing}: add some, or take only the "
            "classes that have some with --classes present"
        )


def refusals(videos: LabeledVideos) -> Iterator[str]:
    """Why neither training nor testing takes these videos: their class names, too few classes, or no video on disk."""
    spelled: dict[str, str] = {}
    for name in videos.class_names:
        if not name.isprintable():
            yield f"the class name {name!r} in {videos.name} is not plain text: rename it"
        same = spelled.setdefault(" ".join(name.replace("_", " ").casefold().split()), name)
        if same != name:
            yield f"{videos.name} has the classes {same!r} and {name!r}, which are read alike: name them differently"
    if len(videos.class_names) < 2:
        only = f"only one class, {videos.class_names[0]!r}" if videos.class_names else "no class"
        step = "add videos of at least two classes"
        if videos.left_out:
            only, step = f"{only}, with --classes", "name more classes, or add their videos"
        yield f"{videos.name} has {only}: {step}"
    if not videos.all_videos():
        listed = ", such as ".join(
            (f"none of its {len(videos.missing)} videos is on disk", *videos.missing[:1])
        )
        yield f"{videos.name}: {listed}; name their folder with --data-root"
