"""The time of an observation in BORIS, which runs through one video after the other, and its state events."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vifi_cli.data.formats.annotation_files.moments import LabeledMoment, Omission, moment_between

NO_FOCAL_SUBJECT = "No focal subject"
ROUNDING_SECONDS = 0.001  # BORIS writes milliseconds
POINT = Omission("point event, which has no end", "point events, which have no end")
UNPAIRED = Omission("state event without its end", "state events without their ends")
ACROSS_FILES = Omission("state event across two videos", "state events across two videos")
UNKNOWN_VIDEO = Omission(
    "event in one of several videos of unknown lengths: name the .boris project instead",
    "events in one of several videos of unknown lengths: name the .boris project instead",
)
NO_VIDEO = Omission("observation without a video", "observations without a video")


@dataclass(frozen=True, slots=True)
class ObservedVideos:
    """The videos of an observation's first player, one after the other."""

    files: tuple[str, ...]
    lengths_seconds: tuple[float, ...]  # of the files, or of none if they are unknown
    offset_seconds: float  # BORIS adds it to the times of all events

    def moment(
        self, class_name: str, start_seconds: float, end_seconds: float, subject: str
    ) -> LabeledMoment | Omission:
        """A moment in the video that shows it; its subject is the group."""
        start, end = start_seconds - self.offset_seconds, end_seconds - self.offset_seconds
        group = "" if subject == NO_FOCAL_SUBJECT else subject
        if len(self.files) == 1:
            return moment_between(self.files[0], [class_name], start, end, group)
        if len(self.lengths_seconds) != len(self.files):
            return UNKNOWN_VIDEO
        begin = 0.0
        for file, length in zip(self.files[:-1], self.lengths_seconds, strict=False):
            stop = begin + length
            if start < stop - ROUNDING_SECONDS:
                if end > stop + ROUNDING_SECONDS:
                    return ACROSS_FILES
                return moment_between(file, [class_name], start - begin, end - begin, group)
            begin = stop
        return moment_between(self.files[-1], [class_name], start - begin, end - begin, group)


@dataclass(frozen=True, slots=True)
class StateMark:
    """The start or the stop of a state event."""

    seconds: float
    class_name: str
    subject: str
    modifiers: str


def paired(marks: Iterable[StateMark], observed: ObservedVideos) -> Iterator[LabeledMoment | Omission]:
    """The moments between starts and stops: marks with equal behavior, subject and modifiers alternate, as in BORIS."""
    begun: dict[tuple[str, str, str], StateMark] = {}
    for mark in marks:
        key = (mark.class_name, mark.subject, mark.modifiers)
        start = begun.pop(key, None)
        if start is None:
            begun[key] = mark
        else:
            yield observed.moment(mark.class_name, start.seconds, mark.seconds, mark.subject)
    yield from [UNPAIRED] * len(begun)


def lengths_of(values: Sequence[float]) -> tuple[float, ...]:
    """Lengths of videos, or none if one is not a length."""
    return tuple(values) if all(math.isfinite(value) and value > 0 for value in values) else ()
