"""From marks to what the encoder sees in them, by the catalog alone."""

from collections.abc import Iterable

import numpy as np

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.concepts.learning import MarkedWindows
from vifi_cli.index.windows import mean_embedding


def marked_windows(catalog: Catalog, marks: Iterable[Mark]) -> MarkedWindows:
    """The marked moments of videos that are in the index, wherever they are now; each video is a group."""
    found: list[tuple[Mark, CatalogedVideo]] = []
    with catalog.snapshot():
        by_content = {video.fingerprint: video for video in catalog.videos() if video.fingerprint}
        for mark in marks:
            at_path = catalog.video_at(mark.path)
            is_same = at_path is not None and at_path.fingerprint == mark.fingerprint
            video = at_path if is_same else by_content.get(mark.fingerprint)
            if video is not None:
                found.append((mark, video))
        embeddings = [
            mean_embedding(catalog.frames_that_show(video.id, mark.start_seconds, mark.end_seconds)[1])
            for mark, video in found
        ]
    dimension = catalog.indexed_with.dimension
    return MarkedWindows(
        np.stack(embeddings) if embeddings else np.empty((0, dimension), np.float32),
        np.array([mark.is_right for mark, _ in found], bool),
        np.array([video.id for _, video in found], np.int64),
    )
