"""A concept that the user teaches: a name, a description, moments marked right or wrong, and what was learned."""

from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.arrays import Float32Array


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of an indexed video that shows a concept, or does not."""

    path: Path
    start_seconds: float
    end_seconds: float
    is_right: bool
    fingerprint: str  # of the video's content, as in `CatalogedVideo`; finds a video that has moved


@dataclass(frozen=True, slots=True, eq=False)
class LearnedQuery:
    """What an encoder's index has taught: a query like that of a text, to be searched with nothing re-encoded."""

    vision_fingerprint: str  # of the encoder in whose space it lies
    embedding: Float32Array  # (D,), of length 1


@dataclass(frozen=True, slots=True, eq=False)
class Concept:
    """A concept by its name, which a query writes as `@NAME`."""

    name: str
    description: str  # in words, such as "a person waves"
    marks: tuple[Mark, ...] = ()  # in the order in which they were made
    learned: LearnedQuery | None = None  # from these marks; None until there are enough
