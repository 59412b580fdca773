"""The moments to mark next for a concept, from all that is known about it now."""

from collections.abc import Sequence

from vifi_cli.api.search.query_language import concept as concept_query
from vifi_cli.api.search.session import SearchSession
from vifi_cli.errors import EncoderMismatch, InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.candidates import Known, candidate_moments
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.index.concepts.marked import found_marks, marked_windows
from vifi_cli.index.search.query import Query, query_in_words
from vifi_cli.index.search.ranking import Place
from vifi_cli.index.search.video_index import SearchHit, rated_hits
from vifi_cli.video.files.content import is_there


def candidates(
    session: SearchSession, name: str, count: int = 1, *, skipped: Sequence[SearchHit] = ()
) -> list[SearchHit]:
    """The `count` moments whose marks help a concept most, or fewer: none that is marked, `skipped`, or out of reach.

    Raises:
        InvalidInput: there is no such concept.
        EncoderMismatch: the index's own encoder has changed since.
    """
    return session.ask(lambda: _candidates(session, name, count, skipped))


def query_known_now(session: SearchSession, concept: Concept) -> Query:
    """The query that a concept has taught or, as long as its marks are too few, its description."""
    try:
        session.learned(concept)
    except (InvalidInput, EncoderMismatch):
        return query_in_words(concept.description)
    return concept_query(concept.name)


def _candidates(
    session: SearchSession, name: str, count: int, skipped: Sequence[SearchHit]
) -> list[SearchHit]:
    concept = session.concepts.get(name)
    query = query_known_now(session, concept)
    catalog, vectors = session.index.catalog, session.index.vectors
    if query.sole_concept or catalog.indexed_with.reads_texts:
        embedding, rate = session.embed(query), session.rater(query)
    else:
        embedding, rate = session.describe(concept.description), None
    with catalog.snapshot():
        known = Known(marked_windows(catalog, concept.marks), _taken(catalog, concept, skipped))
        found = candidate_moments(
            catalog, vectors, embedding, known, count, lambda video_id: _is_there(catalog, video_id)
        )
        return rated_hits(catalog, vectors, embedding, found, rate)


def _taken(catalog: Catalog, concept: Concept, skipped: Sequence[SearchHit]) -> list[Place]:
    marked = [
        Place(one.video.id, one.mark.start_seconds, one.mark.end_seconds)
        for one in found_marks(catalog, concept.marks)
    ]
    found = catalog.videos_at(hit.path for hit in skipped)
    return marked + [
        Place(found[hit.path].id, hit.start_seconds, hit.end_seconds) for hit in skipped if hit.path in found
    ]


def _is_there(catalog: Catalog, video_id: int) -> bool:
    return all(is_there(path) for path in catalog.paths_of([video_id]).values())
