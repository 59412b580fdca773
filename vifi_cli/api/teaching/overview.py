"""What is known about concepts: their marks, what these have taught, and whether that fits the index."""

from dataclasses import dataclass
from typing import Any

from vifi_cli.api.search.concept_queries import fits
from vifi_cli.api.search.hits.documents import NUMBER_DIGITS, TIME_DIGITS
from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import IndexMissing
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.concepts.marked import FoundMark, found_marks
from vifi_cli.video.moment import Moment


@dataclass(frozen=True, slots=True)
class ConceptOverview:
    """A concept, and what an index has of it."""

    concept: Concept
    found: tuple[FoundMark, ...]  # marks of videos that are in the index
    fits_index: bool  # whether what was learned can be searched with as it is

    @property
    def absent(self) -> int:
        """How many marks are of videos that are not in the index."""
        return len(self.concept.marks) - len(self.found)

    @property
    def moments(self) -> list[Moment]:
        """The marked moments, where their videos are now, or else where they were marked."""
        now = {one.mark: one.video.path for one in self.found}
        return [
            Moment(now.get(mark, mark.path), mark.start_seconds, mark.end_seconds)
            for mark in self.concept.marks
        ]


def overview_of(session: SearchSession, name: str) -> ConceptOverview:
    """What is known about one concept; raises InvalidInput if there is none of this name."""
    return _overview(session.concepts.get(name), _catalog_of(session))


def all_overviews(session: SearchSession) -> list[ConceptOverview]:
    """What is known about all concepts, in alphabetical order."""
    catalog = _catalog_of(session)
    return [_overview(concept, catalog) for concept in session.concepts.all()]


def overview_document(overview: ConceptOverview) -> dict[str, Any]:
    """A concept for programs, without its marks."""
    concept, learned = overview.concept, overview.concept.learned
    validation = learned and learned.validation
    return {
        "name": concept.name,
        "description": concept.description,
        "right": concept.right,
        "wrong": concept.wrong,
        "not_in_index": overview.absent,
        "learned": learned
        and {
            "model": learned.model,
            "vision_fingerprint": learned.vision_fingerprint,
            "fits_index": overview.fits_index,
            "form": learned.form,
            "needs_more_marks": learned.needs_more_marks,
            "text_precision": validation and _rounded(validation.text_precision),
            "learned_precision": validation and _rounded(validation.learned_precision),
            "gain_interval": validation and [_rounded(validation.gain_low), _rounded(validation.gain_high)],
        },
    }


def marks_document(overview: ConceptOverview) -> list[dict[str, Any]]:
    """The marks of a concept for programs, in the order in which they were made."""
    in_index = {one.mark for one in overview.found}
    return [
        {
            "path": str(moment.path),
            "start_seconds": round(moment.start_seconds, TIME_DIGITS),
            "end_seconds": round(moment.end_seconds, TIME_DIGITS),
            "mark": mark.word,
            "in_index": mark in in_index,
        }
        for mark, moment in zip(overview.concept.marks, overview.moments, strict=True)
    ]


def _rounded(number: float) -> float:
    return round(number, NUMBER_DIGITS)


def _catalog_of(session: SearchSession) -> Catalog | None:
    session.refresh()
    try:
        return session.index.catalog
    except IndexMissing:  # concepts can be imported before anything is indexed
        return None


def _overview(concept: Concept, catalog: Catalog | None) -> ConceptOverview:
    if catalog is None:
        return ConceptOverview(concept, (), fits_index=False)
    is_ready = concept.learned is not None and not concept.is_stale and fits(concept.learned, catalog)
    return ConceptOverview(concept, tuple(found_marks(catalog, concept.marks)), is_ready)
