"""A timeline: when a video shows which label, and for how long in all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vifi_cli.wording import clock, counted, score_text


@dataclass(frozen=True, slots=True, repr=False)
class Occurrence:
    """A stretch of a video that shows a label; times count from the first picture."""

    label: str
    start_seconds: float
    end_seconds: float
    # of its best window: as in `SearchHit`; None where the label's query is not rated
    relevance: float | None
    cosine: float

    def __repr__(self) -> str:
        span = f"{clock(self.start_seconds)}–{clock(self.end_seconds)}"
        number = self.cosine if self.relevance is None else self.relevance
        return f"Occurrence({self.label} {span}, {score_text(number)})"

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds


@dataclass(frozen=True, slots=True)
class LabelTime:
    """What a label has of a time budget."""

    label: str
    count: int  # of its occurrences
    total_seconds: float
    share: float  # of the videos' time, in 0..1
    videos: int = 1  # that show it

    @property
    def mean_seconds(self) -> float | None:
        """The mean duration of an occurrence; None without one."""
        return self.total_seconds / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class VideoTimeline:
    """When an indexed video shows which of some labels."""

    path: Path
    duration_seconds: float
    labels: tuple[str, ...]
    occurrences: tuple[Occurrence, ...] = field(repr=False)  # by time
    model: str = ""  # that read the labels
    index_folder: Path | None = field(default=None, repr=False)  # None is the one that `vifi search` uses

    @property
    def budget(self) -> tuple[LabelTime, ...]:
        """The time budget: how often and how long the video shows each label, in the order of labels."""
        return time_budget([self])

    def of(self, label: str) -> tuple[Occurrence, ...]:
        """The occurrences of one label."""
        return tuple(one for one in self.occurrences if one.label == label)

    def __str__(self) -> str:
        return f"{self.path.name}: {counted(len(self.occurrences), 'occurrence')}"


def time_budget(timelines: Sequence[VideoTimeline]) -> tuple[LabelTime, ...]:
    """The time budget of videos together, which have the same labels."""
    labels = timelines[0].labels if timelines else ()
    all_seconds = sum(each.duration_seconds for each in timelines)
    return tuple(_label_time(label, [each.of(label) for each in timelines], all_seconds) for label in labels)


def _label_time(label: str, by_video: Iterable[Sequence[Occurrence]], all_seconds: float) -> LabelTime:
    shown = [occurrences for occurrences in by_video if occurrences]
    total = sum(one.seconds for occurrences in shown for one in occurrences)
    share = min(total / all_seconds, 1.0) if all_seconds > 0 else 0.0
    return LabelTime(label, sum(map(len, shown)), total, share, len(shown))
