"""Marked moments for tests: `moments("a+", "b-")` is right in a.mp4 and wrong in b.mp4 for the first concept."""

from pathlib import Path

from vifi_cli.api.teaching.labeled_marks import MarkedMoment, MarkedMoments
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.video.moment import TimeRange


def moments(*marks: str, concepts: tuple[str, ...] = ("wave",)) -> MarkedMoments:
    """Moments of videos named by letters, each in a group of its own: `a+-` is right for the first concept alone."""
    made = []
    for number, mark in enumerate(marks):
        name, signs = mark[0], mark[1:]
        right = frozenset(place for place, sign in enumerate(signs) if sign == "+")
        wrong = frozenset(place for place, sign in enumerate(signs) if sign == "-")
        part = TimeRange(2.0 * number, 2.0 * number + 2)
        made.append(MarkedMoment(Path(f"/v/{name}.mp4"), part, name, name, right, wrong))
    return MarkedMoments(tuple(Concept(name, f"a person {name}s") for name in concepts), tuple(made))
