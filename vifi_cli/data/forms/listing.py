"""What a list says before the disk is asked: files as they are spelled, with label and split."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_scene
from vifi_cli.errors import InvalidInput

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""The spellings of splits in column values and folder names."""


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """A video in a list.

    Attributes:
        file: as the list spells it.
        label: indexes the listing's class names.
        split: where the list puts it.
        group: the scene or person that it shows, "" where the list does not say.
    """

    file: str
    label: int
    split: Split = "train"
    group: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What one source of labels says.

    Attributes:
        name: of the set or file, for messages.
        class_names: in the order of their labels.
        videos: in the order of the list.
        remarks: what the user should know.
    """

    name: str
    class_names: tuple[str, ...]
    videos: tuple[ListedVideo, ...]
    remarks: tuple[str, ...] = ()


Find = Callable[[str, str], Path | None]
"""From a file as a list spells it, and the name of its class, to the file on disk."""


def locate(listing: Listing, find: Find) -> LabeledVideos:
    """Looks every listed video up on disk.

    A row that repeats another of the same split counts once; a remark says so. Where a list knows no groups, UCF-101's
    names tell them.

    Raises:
        InvalidInput: a video has two labels.
    """
    splits: dict[Split, dict[Path, LabeledVideo]] = {split: {} for split in SPLITS}
    missing: dict[str, None] = {}
    labels: dict[Path, int] = {}
    repeated = 0
    for listed in listing.videos:
        path = find(listed.file, listing.class_names[listed.label])
        if path is None:
            missing[listed.file] = None
            continue
        if labels.setdefault(path, listed.label) != listed.label:
            both = " and ".join(repr(listing.class_names[label]) for label in (labels[path], listed.label))
            raise InvalidInput(f"{listing.name}: {listed.file} is labelled {both}; a video has one label")
        repeated += path in splits[listed.split]
        splits[listed.split][path] = LabeledVideo(path, listed.label, listed.group or ucf101_scene(path))
    train, val, test = (tuple(splits[split].values()) for split in SPLITS)
    remarks = (*listing.remarks, *_remarks(len(missing), len(listing.videos), repeated))
    return LabeledVideos(listing.name, listing.class_names, train, val, test, tuple(missing), remarks)


def _remarks(missing: int, listed: int, repeated: int) -> Iterable[str]:
    if missing:
        yield f"{missing:,} of {listed:,} listed videos are not on disk"
    if repeated:
        yield f"{repeated:,} lines repeat another and count once"
