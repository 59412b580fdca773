"""Labelled videos in their splits, the one form in which every source of data arrives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.errors import InvalidInput

_UCF101_NAME = re.compile(r"(v_.+_g\d+)_c\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LabeledVideo:
    """A video file and its class.

    Attributes:
        path: absolute.
        label: indexes the class names of the set.
        group: the scene or person that it shows, "" where unknown; videos of one group are not independent.
    """

    path: Path
    label: int
    group: str = ""


@dataclass(frozen=True, slots=True)
class LabeledVideos:
    """A set of labelled videos.

    Attributes:
        name: of the set, or of the file or folder it was read from.
        class_names: as the source spells them; a label is a place in here.
        train: what a model learns from; empty where there is only something to test.
        val: what training is watched with.
        test: what results are told of. Where a data set has a single held-out list, as UCF-101, HMDB-51 and the
            paper's settings have, it is both `val` and `test`.
        missing: files that the source lists and that are not on disk, as it spells them.
        remarks: what the user should know, a sentence each.
    """

    name: str
    class_names: tuple[str, ...]
    train: tuple[LabeledVideo, ...] = ()
    val: tuple[LabeledVideo, ...] = ()
    test: tuple[LabeledVideo, ...] = ()
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def all_videos(self) -> tuple[LabeledVideo, ...]:
        """The videos of all splits, each once."""
        return tuple(dict.fromkeys((*self.train, *self.val, *self.test)))


def ucf101_scene(path: Path) -> str:
    """The scene that UCF-101's names tell, such as `v_archery_g01` for its clips `v_Archery_g01_c01.avi`; else ""."""
    found = _UCF101_NAME.fullmatch(path.stem)
    return found[1].lower() if found else ""


def with_remark(videos: LabeledVideos, remark: str) -> LabeledVideos:
    """The same videos with something more to know about them."""
    return replace(videos, remarks=(*videos.remarks, remark))


def restrict_to_classes(videos: LabeledVideos, classes: Sequence[int]) -> LabeledVideos:
    """The videos of some classes, relabelled: a class's label is its place in `classes`."""
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


def without_leaks(videos: LabeledVideos) -> LabeledVideos:
    """The same without the training videos whose file is also in val or test; a remark counts them."""
    held_out = {video.path for video in (*videos.val, *videos.test)}
    train = tuple(video for video in videos.train if video.path not in held_out)
    if len(train) == len(videos.train):
        return videos
    left_out = len(videos.train) - len(train)
    remark = f"{left_out} of {len(videos.train)} training videos are also in val or test, and are left out of training"
    return with_remark(replace(videos, train=train), remark)


def class_counts(split: Sequence[LabeledVideo], classes: int) -> list[int]:
    """How many videos each class has in a split."""
    counts = [0] * classes
    for video in split:
        counts[video.label] += 1
    return counts


def require_usable(videos: LabeledVideos) -> None:
    """Makes sure that something can be learnt or tested.

    Raises:
        InvalidInput: a class name is no plain text, there is one class only, no video, or a class that training has
            no video of.
    """
    for name in videos.class_names:
        if not name.isprintable():
            raise InvalidInput(f"the class name {name!r} in {videos.name} is no plain text: rename it")
    classes = len(videos.class_names)
    if classes < 2:
        only = f"only one class, {videos.class_names[0]!r}" if videos.class_names else "no class"
        raise InvalidInput(f"{videos.name} has {only}: two or more are needed")
    if not videos.all_videos():
        raise InvalidInput(f"{videos.name}: none of its {len(videos.missing)} videos is on disk")
    empty = [
        name
        for name, count in zip(videos.class_names, class_counts(videos.train, classes), strict=True)
        if not count
    ]
    if videos.train and empty:
        more = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
        named = ", ".join(repr(name) for name in empty[:3])
        raise InvalidInput(
            f"{videos.name} has no training video of {named}{more}: add some, or leave the class out"
        )
