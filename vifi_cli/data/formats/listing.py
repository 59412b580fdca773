"""Listed videos, and how vifi finds them on disk."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_group
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.virtual.frame_rates import RATE_FILE, USUAL_RATE, rate_is_guessed
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.wording import counted

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
# the spellings of splits in column values and folder names
SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "trn": "train",
    "training": "train",
    "trainval": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "dev": "val",
    "eval": "val",
    "evaluation": "val",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "holdout": "test",
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

    @property
    def name(self) -> str:
        """The file as it is spelled, with the times of a part."""
        return self.file if self.part == WHOLE_VIDEO else f"{self.file}@{self.part}"


@dataclass(frozen=True, slots=True)
class Listing:
    """The classes and videos of a list or table, and remarks for the user."""

    class_names: tuple[str, ...]
    videos: tuple[ListedVideo, ...]
    remarks: tuple[str, ...] = ()


# finds the file on disk, from the file as a list spells it and the name of its class
Find = Callable[[str, str], Path | None]


def locate(
    name: str, class_names: tuple[str, ...], videos: Sequence[ListedVideo], find: Find
) -> LabeledVideos:
    """Finds every listed video on disk; `name` is that of the set or file that lists them.

    Rows that repeat another of the same split count once, with a remark; parts of one file at different times are
    different videos. Groups that the list does not give come from names like UCF-101's.

    Raises:
        InvalidInput: a video has two labels.
    """
    splits: dict[Split, dict[object, LabeledVideo]] = {split: {} for split in SPLITS}
    missing: dict[str, int] = {}
    known: dict[object, LabeledVideo] = {}
    repeated = 0
    for listed in videos:
        path = find(listed.file, class_names[listed.label])
        if path is None:
            missing.setdefault(listed.file, listed.label)
            continue
        video = LabeledVideo(
            path, listed.label, listed.group or ucf101_group(path), listed.part, listed.more_labels
        )
        before = known.setdefault(video.key, video)
        if {*before.labels} != {*video.labels}:
            named = [", ".join(repr(class_names[label]) for label in each.labels) for each in (before, video)]
            raise InvalidInput(
                f"{name}: {listed.name} is labeled {' and '.join(named)}: keep one of the two, or if it shows both, "
                'list them in one row of a .jsonl table, such as {"path": "a.mp4", "label": ["run", "wave"]}'
            )
        repeated += video.key in splits[listed.split]
        splits[listed.split][video.key] = video
    train, val, test = (tuple(splits[split].values()) for split in SPLITS)
    remarks = []
    if repeated:
        remarks.append(f"{repeated:,} lines repeat another and count once")
    remarks += _of_moments([*train, *val, *test])
    return LabeledVideos(
        name, class_names, train, val, test, tuple(missing), tuple(remarks), tuple(missing.values())
    )


def _of_moments(videos: Sequence[LabeledVideo]) -> Iterator[str]:
    """How vifi treats moments whose group or frame rate is not known, or that other classes share."""
    if guessed := sum(map(rate_is_guessed, {video.path for video in videos if video.is_moment})):
        yield (
            f"moments of {counted(guessed, 'frame folder')} are read at {USUAL_RATE} frames a second: write the rate "
            f"into {RATE_FILE} beside or above the pictures if it is another"
        )
    moments = [video for video in videos if video.is_moment and not video.group]
    if moments:
        number, files = len(moments), len({video.path for video in moments})
        of = f"{counted(number, 'moment')} of {counted(files, 'file')}"
        yield f"{of}: those of one file belong together, unless groups are given"
    if shared := _shared_by_classes(videos):
        yield (
            f"{counted(shared, 'moment')} mostly overlap with moments of other classes: each counts for its own class "
            "alone, unless a .jsonl table lists all classes of a moment"
        )


def _shared_by_classes(videos: Sequence[LabeledVideo]) -> int:
    """How many moments overlap with one of other classes for more than half of the shorter of both."""
    shared: set[object] = set()
    running: list[LabeledVideo] = []  # those of the same file that have not ended
    moments = (video for video in videos if video.is_moment)
    for video in sorted(moments, key=lambda each: (str(each.path), each.part.start_seconds)):
        start = video.part.start_seconds
        running = [each for each in running if each.path == video.path and each.part.end_seconds > start]
        for other in running:
            both = min(other.part.end_seconds, video.part.end_seconds) - start
            shorter = min(each.part.end_seconds - each.part.start_seconds for each in (other, video))
            if {*other.labels} != {*video.labels} and (both > shorter / 2 or math.isinf(both)):
                shared |= {other.key, video.key}
        running.append(video)
    return len(shared)
