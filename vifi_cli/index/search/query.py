"""Queries: words and examples, wanted or unwanted, and their sum as one embedding; and queries for steps in order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vifi_cli.errors import InvalidInput
from vifi_cli.index.arrays import Float32Array
from vifi_cli.video.moment import TimeRange

LEAST_LENGTH_LEFT = 0.01
"""Terms cancel out where less than this share of their weights is left as the length of their sum."""


@dataclass(frozen=True, slots=True)
class Words:
    """A description in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """A picture, a video, or a part of one to find similar moments of."""

    path: Path  # absolute
    part: TimeRange | None = None  # of a video; None for the complete file


@dataclass(frozen=True, slots=True)
class ConceptName:
    """A concept that the user has taught: see `vifi_cli.index.concepts`."""

    name: str


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a query and its weight, which is negative for an unwanted part."""

    meaning: Words | Example | ConceptName
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """Terms to be added up, at least one; you can combine queries: `a + b - 0.5 * c`."""

    text: str  # as its user wrote it
    terms: tuple[Term, ...]

    def __add__(self, other: "Query") -> "Query":
        if not isinstance(other, Query):
            return NotImplemented
        return Query(f"{self.text} + {other._bracketed}", self.terms + other.terms)

    def __sub__(self, other: "Query") -> "Query":
        if not isinstance(other, Query):
            return NotImplemented
        return Query(f"{self.text} - {other._bracketed}", self.terms + (-1 * other).terms)

    def __rmul__(self, weight: float) -> "Query":
        if not math.isfinite(weight):
            raise InvalidInput(f"a weight in a query is a number, not {weight}")
        terms = tuple(Term(term.meaning, weight * term.weight) for term in self.terms)
        return Query(f"{weight:g}:{self._bracketed}", terms)

    def then(self, later: "AnyQuery", within_seconds: float = math.inf) -> "OrderedQuery":
        """This, and after it `later`, which begins at most `within_seconds` after this has ended."""
        return in_order(self).then(later, within_seconds)

    def then_not(self, absent: "Query", within_seconds: float = math.inf) -> "OrderedQuery":
        """This, without `absent` after it: until the next step, or else for so long or until the video ends."""
        return in_order(self).then_not(absent, within_seconds)

    @property
    def has_words(self) -> bool:
        """Whether a model has to read words for it."""
        return any(isinstance(term.meaning, Words) for term in self.terms)

    @property
    def sole_concept(self) -> str | None:
        """The name of the concept that it searches for, if it wants that alone."""
        first = self.terms[0]
        is_alone = len(self.terms) == 1 and first.weight > 0
        return first.meaning.name if is_alone and isinstance(first.meaning, ConceptName) else None

    @property
    def _bracketed(self) -> str:
        return self.text if len(self.terms) == 1 else f"({self.text})"


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next in an ordered query."""

    query: Query
    # how long after the end of the step before it may begin; of the last step that is absent, how long it must be so
    within_seconds: float = math.inf
    is_absent: bool = False  # it must not be seen before the next step

    def __post_init__(self) -> None:
        if not self.within_seconds > 0:
            raise InvalidInput(f"the time between two steps is above 0 seconds, not {self.within_seconds:g}")


@dataclass(frozen=True, slots=True)
class OrderedQuery:
    """Steps that follow each other in a video: the first is wanted. `a.then(b)` makes one of queries."""

    text: str  # as its user wrote it
    steps: tuple[Step, ...]

    def then(self, later: "AnyQuery", within_seconds: float = math.inf) -> "OrderedQuery":
        """These steps, and after them `later`, which begins at most `within_seconds` after they have ended."""
        first, *others = in_order(later).steps
        steps = *self.steps, replace(first, within_seconds=within_seconds), *others
        return OrderedQuery(f"{self.text} then {later.text}", steps)

    def then_not(self, absent: Query, within_seconds: float = math.inf) -> "OrderedQuery":
        """These steps, without `absent` until the next step, or else for so long or until the video ends."""
        steps = *self.steps, Step(absent, within_seconds, is_absent=True)
        return OrderedQuery(f"{self.text} then not {absent.text}", steps)

    def within(self, seconds: float) -> "OrderedQuery":
        """The same steps, each at most so long after the one before."""
        return replace(self, steps=tuple(replace(step, within_seconds=seconds) for step in self.steps))

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of all steps."""
        return tuple(term for step in self.steps for term in step.query.terms)

    @property
    def has_words(self) -> bool:
        """Whether a model has to read words for it."""
        return any(step.query.has_words for step in self.steps)


AnyQuery = Query | OrderedQuery


def in_order(query: AnyQuery) -> OrderedQuery:
    """A query as one of steps."""
    return query if isinstance(query, OrderedQuery) else OrderedQuery(query.text, (Step(query),))


def require_wanted(query: Query) -> None:
    """Raises InvalidInput if the query has no wanted term."""
    if all(term.weight <= 0 for term in query.terms):
        raise InvalidInput("the query only says what is unwanted: name something to look for before the -")


def query_in_words(text: str) -> Query:
    """A query of words only, taken literally."""
    return Query(text, (Term(Words(text)),))


def combine(embeddings: Float32Array, weights: Sequence[float]) -> Float32Array:
    """Adds the terms of a query up: embeddings (N, D), each of length 1, to a weighted sum (D,) of length 1.

    Raises:
        InvalidInput: the terms cancel each other out.
    """
    if len(embeddings) == 1 and weights[0] > 0:
        only: Float32Array = embeddings[0]
        return only
    shares = np.asarray(weights, np.float64) / max(map(abs, weights))  # huge weights would overflow
    total = shares @ embeddings.astype(np.float64)
    length = float(np.linalg.norm(total))
    if length < LEAST_LENGTH_LEFT * np.abs(shares).sum():
        raise InvalidInput(
            "what is wanted and what is unwanted in this query cancel each other out: omit one of them, "
            "or give them other weights, as in 2:dog"
        )
    return (total / length).astype(np.float32)
