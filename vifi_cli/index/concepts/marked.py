"""From marks to what the encoder sees in them, by the catalog alone."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.concepts.learning import MarkedWindows
from vifi_cli.paths import unicode_form


@dataclass(frozen=True, slots=True)
class FoundMark:
    """A mark, and the indexed video with the content that was marked."""

    mark: Mark
    video: CatalogedVideo


def found_marks(catalog: Catalog, marks: Iterable[Mark]) -> list[FoundMark]:
    """The marks of videos that are in the index, wherever they are now, in their order.

    A video is known by its content: one that was moved or renamed keeps its marks, and one that was changed loses them
    until it is as it was. Of several copies, the one at the marked path is taken, or else the first by path.
    """
    marks = list(marks)
    copies: dict[str, list[CatalogedVideo]] = defaultdict(list)
    for video in catalog.videos_with_content(mark.fingerprint for mark in marks):
        copies[video.fingerprint].append(video)
    found = ((mark, _video_of(mark, copies[mark.fingerprint], catalog)) for mark in marks)
    return [FoundMark(mark, video) for mark, video in found if video is not None]


def _video_of(mark: Mark, copies: list[CatalogedVideo], catalog: Catalog) -> CatalogedVideo | None:
    if not mark.fingerprint:  # an older vifi read the video while it changed
        at_path = catalog.video_at(mark.path)
        return at_path if at_path is not None and not at_path.fingerprint else None
    marked_path = unicode_form(mark.path)
    in_place = (video for video in copies if unicode_form(video.path) == marked_path)
    return next(in_place, copies[0] if copies else None)


def marked_windows(catalog: Catalog, marks: Iterable[Mark]) -> MarkedWindows:
    """The marked moments of videos that are in the index, wherever they are now; each video is a group."""
    with catalog.snapshot():
        found = found_marks(catalog, marks)
        embeddings = [
            catalog.embedding_of(one.video.id, one.mark.start_seconds, one.mark.end_seconds) for one in found
        ]
    dimension = catalog.indexed_with.dimension
    return MarkedWindows(
        np.stack(embeddings) if embeddings else np.empty((0, dimension), np.float32),
        np.array([one.mark.is_right for one in found], bool),
        np.array([one.video.id for one in found], np.int64),
    )
