"""The queries that concepts stand for in an index: learned from its marks, or why there is none."""

from collections.abc import Callable, Sequence

import numpy as np

from vifi_cli.errors import EncoderMismatch, InvalidInput, VifiError
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.concept import Concept, LearnedQuery, Mark
from vifi_cli.index.concepts.learning import learn_query
from vifi_cli.index.concepts.marked import found_marks, marked_windows
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.wording import counted


def learn_concept(
    concept: Concept, index: VideoIndex, embed_description: Callable[[], Float32Array]
) -> LearnedQuery | None:
    """Learns from a concept's marks in an index; None if these are too few.

    Where they are too few since some of their videos are not in the index, what was learned from them before counts,
    if the index's encoder has taught it.
    """
    catalog = index.catalog
    marked = marked_windows(catalog, concept.marks)
    has_both = len(np.unique(marked.is_right)) == 2
    lesson = learn_query(embed_description(), marked, index.vectors.background) if has_both else None
    if lesson is not None:
        made_with = catalog.indexed_with
        return LearnedQuery(
            made_with.vision_fingerprint,
            lesson.query,
            lesson.form,
            lesson.validation,
            made_with.model,
            lesson.held_out,
        )
    is_lacking_marks = len(marked.is_right) < len(concept.marks)
    return (
        concept.learned if concept.learned and is_lacking_marks and fits(concept.learned, catalog) else None
    )


def fits(learned: LearnedQuery, catalog: Catalog) -> bool:
    """Whether a learned query can be compared with the embeddings of an index."""
    made_with = catalog.indexed_with
    return (
        learned.vision_fingerprint == made_with.vision_fingerprint
        and len(learned.embedding) == made_with.dimension
    )


def count_marked_wrong(catalog: Catalog, marks: Sequence[Mark], options: RankingOptions) -> int:
    """How many moments of the searched videos a search for a concept leaves out, since they are marked wrong."""
    wrong = [mark for mark in marks if not mark.is_right]
    among = set(catalog.video_ids_among(options.among)) if wrong else set()
    return sum(one.video.id in among for one in found_marks(catalog, wrong))


def why_not_learned(concept: Concept, catalog: Catalog) -> VifiError:
    """The error for a concept that an index's marks cannot teach: what is lacking, and what to do."""
    teach = f"`vifi teach {concept.name}`"
    if not concept.marks and concept.learned is None:
        return InvalidInput(f"@{concept.name} has no marks yet: mark moments right or wrong with {teach}")
    found = [one.mark for one in found_marks(catalog, concept.marks)]
    right = sum(mark.is_right for mark in found)
    has = f"{right} right and {len(found) - right} wrong of its {counted(len(concept.marks), 'mark')}"
    if concept.learned and not fits(concept.learned, catalog):
        return EncoderMismatch(
            f"@{concept.name} was taught with the encoder {concept.learned.model or 'of another index'}, and this "
            f"index has {catalog.indexed_with.model}. Only {has} are of videos in it, too few to learn it again: index "
            f"those videos, or mark others with {teach}"
        )
    return InvalidInput(
        f"@{concept.name} cannot be learned yet: this index has {has}; mark more with {teach}"
    )
