"""Colours and shapes that distinguish classes in pictures; consecutive classes differ in both."""

from dataclasses import dataclass

COLOURS = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee7733", "#009988", "#7b4b2a", "#888888",
)  # fmt: skip
"""After Paul Tol's schemes for colour-blind readers."""

SHAPES = ("circle", "square", "triangle", "diamond", "cross", "plus")
ROUND = 30  # colours and shapes repeat together after so many classes, so shapes shift by one


@dataclass(frozen=True, slots=True)
class Mark:
    """Colour, for CSS and matplotlib, and shape, one of `SHAPES`, of a class."""

    colour: str
    shape: str


def mark_of(label: int) -> Mark:
    """The mark of a class; the first 60 differ."""
    return Mark(COLOURS[label % len(COLOURS)], SHAPES[(label + label // ROUND) % len(SHAPES)])
