"""Colours and shapes by which classes are told apart on a map; neighbours in the list differ in both."""

from dataclasses import dataclass

COLOURS = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee7733", "#009988", "#7b4b2a", "#888888",
)  # fmt: skip
"""After Paul Tol's schemes for colour-blind readers."""

SHAPES = ("circle", "square", "triangle", "diamond", "cross", "plus")
ROUND = 30  # after so many classes colours and shapes would meet again


@dataclass(frozen=True, slots=True)
class Mark:
    """How the videos of a class are drawn.

    Attributes:
        colour: as CSS and matplotlib have it.
        shape: one of `SHAPES`.
    """

    colour: str
    shape: str


def mark_of(label: int) -> Mark:
    """The mark of a class; the first 60 differ."""
    return Mark(COLOURS[label % len(COLOURS)], SHAPES[(label + label // ROUND) % len(SHAPES)])
