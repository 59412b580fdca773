"""Which hits to show: those that reach a threshold and, if none is likely, the best of the others as unsure."""

from collections.abc import Sequence
from dataclasses import replace

from vifi_cli.index.relevance.curve import WORTH_SHOWING
from vifi_cli.index.search.video_index import SearchHit

MOST_UNSURE = 3
LIKELY = 0.5
"""The least relevance of a hit that is more likely right than wrong."""

_SHOWN_DECIMALS = 2
_MOST_DECIMALS = 4  # of the numbers in JSON and in pipes


def shown_among(
    found: Sequence[SearchHit], least: float | None = None, *, with_unsure: bool = False
) -> list[SearchHit]:
    """The relevant hits, `with_unsure` those of `unsure_among`, and at the end what is marked right.

    `found` is best first, with what is marked at its end.
    """
    unsure = unsure_among(found, least) if with_unsure else []
    return relevant_among(found, least) + unsure + [hit for hit in found if hit.marked]


def relevant_among(found: Sequence[SearchHit], least: float | None = None) -> list[SearchHit]:
    """The finds whose relevance (cosine where not rated) is at least `least`, by default those worth showing.

    What the user has marked is not a find.
    """
    return [hit for hit in found if not hit.marked and is_relevant(hit, least)]


def unsure_among(found: Sequence[SearchHit], least: float | None = None) -> list[SearchHit]:
    """The few best finds below the threshold, marked as unsure; none if a relevant hit is likely.

    A hidden hit is lost, and many of these are right: see `docs/measurements/search-quality.md`. Beside a likely hit
    they would only be clutter.
    """
    relevant = relevant_among(found, least)
    if any(hit.relevance is None or is_likely(hit) for hit in relevant):
        return []
    finds = [hit for hit in found if not hit.marked]
    return [replace(hit, unsure=True) for hit in finds[len(relevant) :][:MOST_UNSURE]]


def is_likely(hit: SearchHit) -> bool:
    """Whether a hit is more likely right than wrong; of one that is not rated, this is not known."""
    return hit.relevance is not None and reaches(hit.relevance, LIKELY)


def reaches(number: float, least: float) -> bool:
    """Whether a number is at least `least` as it is shown: a hit shown with 0.57 passes `--min-score 0.57`.

    Numbers are shown rounded to two decimals, in JSON to four, so they are compared in as many as `least` has.
    """
    decimals = next(
        (few for few in range(_SHOWN_DECIMALS, _MOST_DECIMALS) if round(least, few) == least), _MOST_DECIMALS
    )
    return number >= least or round(number, decimals) >= least


def is_relevant(hit: SearchHit, least: float | None = None) -> bool:
    """Whether a hit reaches a threshold, by default that of hits worth showing."""
    if least is None:
        return hit.relevance is None or reaches(hit.relevance, WORTH_SHOWING)
    return reaches(hit.number_shown, least)
