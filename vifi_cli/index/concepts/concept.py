"""A concept that the user teaches: a name, a description, moments marked right or wrong, and what was learned."""

from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.records import CatalogedVideo

SAME_SHARE = 0.5
"""Two moments are about the same where they share more than this part of the time that both cover together."""


def shared_time(start_seconds: float, end_seconds: float, other_start: float, other_end: float) -> float:
    """The share of the time that two moments cover together which both show, 0 to 1: intersection over union."""
    both = min(end_seconds, other_end) - max(start_seconds, other_start)
    return max(both, 0.0) / (max(end_seconds, other_end) - min(start_seconds, other_start))


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of an indexed video that shows a concept, or does not."""

    path: Path
    start_seconds: float
    end_seconds: float
    is_right: bool
    fingerprint: str  # of the video's content, as in `CatalogedVideo`; finds a video that has moved

    @property
    def word(self) -> str:
        """What it says, in a word."""
        return "right" if self.is_right else "wrong"

    def is_about(self, video: "CatalogedVideo | Mark", start_seconds: float, end_seconds: float) -> bool:
        """Whether it marks about the same moment of this video, or of the one of another mark; it may have moved."""
        is_same = self.fingerprint == video.fingerprint if self.fingerprint else self.path == video.path
        return (
            is_same
            and shared_time(self.start_seconds, self.end_seconds, start_seconds, end_seconds) > SAME_SHARE
        )


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """How well a concept ranks marked moments of videos that it was not learned from, by average precision in 0..1."""

    right: int  # marks that were ranked
    wrong: int
    text_precision: float  # of the description alone
    learned_precision: float  # of queries learned from the marks of the other videos
    # 95 % interval of the difference between the two, bootstrapped over videos
    gain_low: float
    gain_high: float

    @property
    def gain(self) -> float:
        """What learning has added to the average precision."""
        return self.learned_precision - self.text_precision

    @property
    def needs_more_marks(self) -> bool:
        """Whether the marks cannot tell if learning helps."""
        return self.gain_low <= 0


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """What marks score with queries learned without their videos, as cosines above the mean of the index."""

    right_mean: float = 0.0
    right_videos: int = 0  # how many videos have right marks that could be left out
    wrong_mean: float = 0.0
    wrong_videos: int = 0
    variance: float = 0.0  # around the mean of each kind
    marks: int = 0  # how many the variance is of


@dataclass(frozen=True, slots=True, eq=False)
class LearnedQuery:
    """What an encoder's index has taught: a query like that of a text, to be searched with nothing re-encoded."""

    vision_fingerprint: str  # of the encoder in whose space it lies
    embedding: Float32Array  # (D,), of length 1
    form: str = (
        "text"  # how it was learned, see `learning`; "text" where nothing is better than the description
    )
    validation: CrossValidation | None = None  # None: too few marks to leave some out
    model: str = ""  # the encoder's name, for messages
    held_out: HeldOutScores = HeldOutScores()

    @property
    def needs_more_marks(self) -> bool:
        """Whether the marks cannot tell if this query is better than the description alone."""
        return self.validation is None or self.validation.needs_more_marks


@dataclass(frozen=True, slots=True, eq=False)
class Concept:
    """A concept by its name, which a query writes as `@NAME`."""

    name: str
    description: str  # in words, such as "a person waves"
    marks: tuple[Mark, ...] = ()  # in the order in which they were made
    learned: LearnedQuery | None = None  # from marks; None until there are enough
    revision: int = 0  # counts the changes of its marks
    is_stale: bool = False  # whether its marks have changed since it was learned

    @property
    def right(self) -> int:
        """How many moments are marked right."""
        return sum(mark.is_right for mark in self.marks)

    @property
    def wrong(self) -> int:
        """How many moments are marked wrong."""
        return len(self.marks) - self.right

    @property
    def marks_in_words(self) -> str:
        """How many marks it has: `3 right, 6 wrong`."""
        return f"{self.right:,} right, {self.wrong:,} wrong"

    def mark_of(self, video: CatalogedVideo, start_seconds: float, end_seconds: float) -> Mark | None:
        """The last mark of about this moment; None if it is not marked."""
        found = (mark for mark in reversed(self.marks) if mark.is_about(video, start_seconds, end_seconds))
        return next(found, None)
