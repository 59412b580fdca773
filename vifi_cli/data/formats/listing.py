"""Listed videos, and how vifi finds them on disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_scene
from vifi_cli.errors import InvalidInput
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
# the spellings of splits in column values and folder names
SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "dev": "val",
    "eval": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """A video in a list, its file as the list spells it; the other fields are those of `LabeledVideo`."""

    file: str
    label: int
    split: Split = "train"
    group: str = ""
    part: TimeRange = WHOLE_VIDEO
    more_labels: tuple[int, ...] = ()


# finds the file on disk, from the file as a list spells it and the name of its class
Find = Callable[[str, str], Path | None]


def locate(
    name: str, class_names: tuple[str, ...], videos: Sequence[ListedVideo], find: Find
) -> LabeledVideos:
    """Finds every listed video on disk; `name` is that of the set or file that lists them.

    Rows that repeat another of the same split count once, with a remark. Groups that the list does not give come from
    names like UCF-101's.

    Raises:
        InvalidInput: a video has two labels.
    """
    splits: dict[Split, dict[Path, LabeledVideo]] = {split: {} for split in SPLITS}
    missing: dict[str, None] = {}
    labels: dict[Path, int] = {}
    repeated = 0
    for listed in videos:
        path = find(listed.file, class_names[listed.label])
        if path is None:
            missing[listed.file] = None
            continue
        if labels.setdefault(path, listed.label) != listed.label:
            both = " and ".join(repr(class_names[label]) for label in (labels[path], listed.label))
            raise InvalidInput(f"{name}: {listed.file} is labeled {both}: keep one of the two")
        repeated += path in splits[listed.split]
        splits[listed.split][path] = LabeledVideo(
            path, listed.label, listed.group or ucf101_scene(path), listed.part, listed.more_labels
        )
    train, val, test = (tuple(splits[split].values()) for split in SPLITS)
    remarks = []
    if missing:
        remarks.append(f"{len(missing):,} of {len(videos):,} listed videos are not on disk")
    if repeated:
        remarks.append(f"{repeated:,} lines repeat another and count once")
    return LabeledVideos(name, class_names, train, val, test, tuple(missing), tuple(remarks))
