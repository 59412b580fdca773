"""What labeled videos are like: how unequal their classes are, and how long the videos."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, class_counts

UNEQUAL_RATIO = 3.0  # from which classes are worth a remark
SHORT_SECONDS = 0.5
UNUSUAL_RATIO = 10.0  # to the median, of a video that is unusually long


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """The largest and the smallest class, by their training videos, or by all videos of data that is only tested."""

    largest: str
    most: int
    smallest: str
    fewest: int

    @property
    def ratio(self) -> float:
        """How many times as many videos the largest class has."""
        return self.most / self.fewest

    @property
    def is_unequal(self) -> bool:
        """Whether it is worth a remark."""
        return self.ratio >= UNEQUAL_RATIO


def class_balance(videos: LabeledVideos) -> ClassBalance | None:
    """The balance of the classes that have videos; None if fewer than two have."""
    counts = class_counts(videos.train or videos.all_videos(), len(videos.class_names))
    known = [(count, name) for count, name in zip(counts, videos.class_names, strict=True) if count]
    if len(known) < 2:
        return None
    most, fewest = max(known, key=lambda each: each[0]), min(known, key=lambda each: each[0])
    return ClassBalance(most[1], most[0], fewest[1], fewest[0])


@dataclass(frozen=True, slots=True)
class VideoSeconds:
    """How long a video or a moment is."""

    video: LabeledVideo
    seconds: float


@dataclass(frozen=True, slots=True)
class Durations:
    """How long videos and moments are, in seconds; `short` and `long` are those that are worth a look."""

    shortest: float
    median: float
    longest: float
    short: tuple[VideoSeconds, ...]  # under SHORT_SECONDS, the shortest first
    long: tuple[VideoSeconds, ...]  # over UNUSUAL_RATIO times the median, the longest first


def durations(videos: LabeledVideos, file_seconds: Mapping[Path, float]) -> Durations | None:
    """The durations of the videos whose files' durations are known; None if none is."""
    measured = sorted(
        (
            VideoSeconds(video, seconds)
            for video in dict.fromkeys(videos.all_videos())
            if (seconds := _seconds(video, file_seconds)) is not None
        ),
        key=lambda each: each.seconds,
    )
    if not measured:
        return None
    median = statistics.median(each.seconds for each in measured)
    return Durations(
        measured[0].seconds,
        median,
        measured[-1].seconds,
        tuple(each for each in measured if each.seconds < SHORT_SECONDS),
        tuple(each for each in reversed(measured) if each.seconds > UNUSUAL_RATIO * median),
    )


def _seconds(video: LabeledVideo, file_seconds: Mapping[Path, float]) -> float | None:
    if video.path not in file_seconds:
        return None
    seconds = min(video.part.end_seconds, file_seconds[video.path]) - video.part.start_seconds
    return seconds if seconds > 0 else None  # else it is outside its file, which the check reports
