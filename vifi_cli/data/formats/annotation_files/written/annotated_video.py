"""A video with annotations, as the labeling tools keep them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Annotation:
    """A stretch of a video with a label; seconds on the clock of players."""

    label: str
    start_seconds: float
    end_seconds: float
    comment: str = ""


@dataclass(frozen=True, slots=True)
class AnnotatedVideo:
    """A video, the labels that were looked for in it, and where they were found."""

    path: Path  # absolute
    duration_seconds: float
    labels: tuple[str, ...]
    annotations: tuple[Annotation, ...]  # by time; those of one label do not overlap
    frame_rate: float | None = None  # None where the file cannot be looked at, as is the next
    has_sound: bool | None = None


def milliseconds(annotation: Annotation) -> tuple[int, int]:
    """When an annotation begins and ends; it lasts a millisecond at least."""
    start = max(round(annotation.start_seconds * 1000), 0)
    return start, max(round(annotation.end_seconds * 1000), start + 1)


def distinct(texts: Iterable[str], free: str) -> list[str]:
    """Texts of which none is like another: equal ones get a number, empty ones are called `free`."""
    made: list[str] = []
    for text in texts:
        name, number = text or free, 1
        while name in made:
            number += 1
            name = f"{text or free} {number}"
        made.append(name)
    return made
