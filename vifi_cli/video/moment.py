"""Parts of videos: a range of time, and a moment, which is a range of time in one file."""

import math
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.video.clock.file_clock import SAME_INSTANT_SECONDS, FileClock
from vifi_cli.wording import ScoreName, timecode


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A part of a video, by default all of it; times count from the first frame, and the end is after the start."""

    start_seconds: float = 0.0
    end_seconds: float = math.inf
    asked_seconds: float = 0.0  # the time the user named, which the video must reach

    def __post_init__(self) -> None:
        if not 0 <= self.start_seconds < self.end_seconds:
            raise InvalidInput(
                f"there is nothing from {self.start_seconds:g} to {self.end_seconds:g} s: the end comes after the start"
            )

    def __str__(self) -> str:
        end = timecode(self.end_seconds) if math.isfinite(self.end_seconds) else ""
        return f"{timecode(self.start_seconds)}-{end}"

    def overlaps(self, other: "TimeRange") -> bool:
        """Whether both hold the same time, more than an instant of it."""
        start = max(self.start_seconds, other.start_seconds)
        return min(self.end_seconds, other.end_seconds) - start > SAME_INSTANT_SECONDS


WHOLE_VIDEO = TimeRange()


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a video; times count from its first frame, and an infinite end is the end of the video."""

    path: Path
    start_seconds: float
    end_seconds: float
    score: float | None = None  # its relevance in a search, or its cosine; None if you named it
    clock: FileClock | None = None  # of the file; found out when needed if None
    score_name: ScoreName | None = None  # what the score is; None if that is not known

    def __post_init__(self) -> None:
        if not 0 <= self.start_seconds < self.end_seconds:
            raise InvalidInput(
                f"{self.path}: a moment ends after it begins, not from {self.start_seconds:g} to "
                f"{self.end_seconds:g} s"
            )
