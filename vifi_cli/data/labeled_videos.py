"""Labeled videos in their splits, the type that every form of data is read into."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.errors import InvalidInput, VideoOutOfReach
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.wording import first_of

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


def check_in_reach(videos: Sequence[LabeledVideo]) -> None:
    """Checks, once a video could not be read, that not the complete dataset has vanished, as with an unplugged disk.

    Raises:
        VideoOutOfReach: the folder that holds all videos is missing, empty or unreadable.
    """
    folder = os.path.commonpath([video.path.parent for video in videos])
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

    def __repr__(self) -> str:
        return f"<LabeledVideos {self.name!r}: {len(self.class_names)} classes, {self.sizes}>"


def ucf101_scene(path: Path) -> str:
    """The scene in a file name of UCF-101, such as `v_archery_g01` in `v_Archery_g01_c01.avi`; else ""."""
    found = _UCF101_NAME.fullmatch(path.stem)
    return found[1].lower() if found else ""


def with_remark(videos: LabeledVideos, remark: str) -> LabeledVideos:
    """The same videos with one more remark."""
    return replace(videos, remarks=(*videos.remarks, remark))


def restrict_to_classes(videos: LabeledVideos, classes: Sequence[int]) -> LabeledVideos:
    """The videos of some classes; the new label of a class is its position in `classes`."""
    new_label = {label: place for place, label in enumerate(classes)}

    def restricted(split: tuple[LabeledVideo, ...]) -> tuple[LabeledVideo, ...]:
        return tuple(
            replace(video, label=new_label[video.label]) for video in split if video.label in new_label
        )

    return replace(
        videos,
        class_names=tuple(videos.class_names[label] for label in classes),
        train=restricted(videos.train),
        val=restricted(videos.val),
        test=restricted(videos.test),
    )


def without_leaks(videos: LabeledVideos, copies: Sequence[tuple[Path, ...]] = ()) -> LabeledVideos:
    """The same without training videos whose file, or a copy of it, is also in val or test; a remark counts them."""
    original = {path: files[0] for files in copies for path in files}
    held_out = {original.get(video.path, video.path) for video in (*videos.val, *videos.test)}
    train = tuple(video for video in videos.train if original.get(video.path, video.path) not in held_out)
    if len(train) == len(videos.train):
        return videos
    omitted = f"{len(videos.train) - len(train)} of {len(videos.train)} training videos"
    return with_remark(replace(videos, train=train), f"{omitted} are also in val or test: vifi omits them")


def class_counts(split: Sequence[LabeledVideo], classes: int) -> list[int]:
    """How many videos each class has in a split."""
    counts = Counter(video.label for video in split)
    return [counts[label] for label in range(classes)]


def digest_of_list(videos: Sequence[LabeledVideo], class_names: Sequence[str]) -> str:
    """SHA-256 over file names, without folders, and their class names, in order: 64 hex digits."""
    digest = hashlib.sha256()
    for video in videos:
        digest.update(os.fsencode(video.path.name) + b"\0" + class_names[video.label].encode() + b"\n")
    return digest.hexdigest()


def require_usable(videos: LabeledVideos) -> None:
    """Checks that a model can be trained or tested.

    Raises:
        InvalidInput: there are fewer than two classes, no video on disk, a class without training video, or a class
            name that cannot be printed.
    """
    for name in videos.class_names:
        if not name.isprintable():
            raise InvalidInput(f"the class name {name!r} in {videos.name} is not plain text: rename it")
    if len(videos.class_names) < 2:
        only = f"only one class, {videos.class_names[0]!r}" if videos.class_names else "no class"
        raise InvalidInput(f"{videos.name} has {only}: add videos of at least two classes")
    if not videos.all_videos():
        listed = f"none of its {len(videos.missing)} videos is on disk"
        raise InvalidInput(f"{videos.name}: {listed}; name their folder with --data-root")
    empty = [count.name for count in videos.counts() if not count.train]
    if videos.train and empty:
        named = first_of([repr(name) for name in empty], 3)
        raise InvalidInput(f"{videos.name} has no training video of {named}: add some, or remove the class")
