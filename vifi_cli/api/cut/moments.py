"""The moments that a cut is made of."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WantedMoment:
    """A moment to cut.

    Attributes:
        path: the video, absolute.
        start_seconds: where it begins.
        end_seconds: where it ends; infinite for the video's end.
        score: the relevance that the search told of it, or the cosine where hits are not rated; None if named.
    """

    path: Path
    start_seconds: float
    end_seconds: float
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Moments in the order in which they are shown, and what they are moments of."""

    title: str
    moments: tuple[WantedMoment, ...]
