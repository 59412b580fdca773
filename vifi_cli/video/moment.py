"""Parts of videos: a range of time, and a moment, which is a range of time in one file."""

import math
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A part of a video, by default all of it.

    Attributes:
        start_seconds: from the video's first frame.
        end_seconds: infinite for the end of the video.
        asked_seconds: the time the user named, which the video must reach.

    Raises:
        InvalidInput: the end is not after the start.
    """

    start_seconds: float = 0.0
    end_seconds: float = math.inf
    asked_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.start_seconds < self.end_seconds:
            raise InvalidInput(
                f"there is nothing from {self.start_seconds:g} to {self.end_seconds:g} s: the end comes after the start"
            )


WHOLE_VIDEO = TimeRange()


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a video.

    Attributes:
        path: the video.
        start_seconds: from the video's first frame.
        end_seconds: infinite for the end of the video.
        score: the relevance by which a search found it, or the cosine where hits have none; None if you named it.

    Raises:
        InvalidInput: the end is not after the start.
    """

    path: Path
    start_seconds: float
    end_seconds: float
    score: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start_seconds < self.end_seconds:
            raise InvalidInput(
                f"{self.path}: a moment ends after it begins, not from {self.start_seconds:g} to "
                f"{self.end_seconds:g} s"
            )
