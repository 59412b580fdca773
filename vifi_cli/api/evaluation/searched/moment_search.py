"""Asks an index for moments, as `vifi search` does, in the video of a query or in several."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from vifi_cli.evaluation.moments.scoring import MOST_PREDICTIONS
from vifi_cli.evaluation.scoring.confidence_intervals import Floats
from vifi_cli.index.arrays import Float32Array, Int64Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.search.folding import ScoredWindow
from vifi_cli.index.search.ranking import Ranking, RankingOptions
from vifi_cli.index.search.video_index import TIME_DIGITS
from vifi_cli.index.vectors import Vectors, open_vectors, vectors_in_memory
from vifi_cli.index.windows import frames_within, window_embeddings


@dataclass(frozen=True, slots=True, eq=False)
class MomentSearch:
    """One state of a catalog, and its vectors; `moment_search` opens it."""

    catalog: Catalog
    vectors: Vectors

    def in_video(self, query: Float32Array, video_id: int) -> list[ScoredWindow]:
        """The moments of one video, best first: those of `vifi search --path VIDEO --per-video 0`."""
        windows = self.catalog.window_ids_of([video_id])
        return self._best(query, windows, RankingOptions(top=MOST_PREDICTIONS, per_video=0))

    def in_videos(self, query: Float32Array, windows: Int64Array | None) -> list[ScoredWindow]:
        """The moments of the videos with these windows, or of all, best first: those of `vifi search`."""
        return self._best(query, windows, RankingOptions(top=MOST_PREDICTIONS))

    def _best(
        self, query: Float32Array, among: Int64Array | None, options: RankingOptions
    ) -> list[ScoredWindow]:
        found = Ranking(self.catalog, self.vectors, query, among, options).best()
        return [
            replace(
                each,
                start_seconds=round(each.start_seconds, TIME_DIGITS),
                end_seconds=round(each.end_seconds, TIME_DIGITS),
            )
            for each in found
        ]

    def edges(self, video_id: int) -> Floats:
        """Where moments of a video can start or end, in seconds, ascending."""
        windows = self.catalog.windows(self.catalog.window_ids_of([video_id]))
        times = [(start, end) for *_, start, end, is_whole in windows if not is_whole]
        return np.unique(np.array(times).round(TIME_DIGITS))

    def scores_of(self, query: Float32Array, video_id: int, parts: Floats) -> Floats:
        """The cosines (N,) of a query with parts of a video, start and end in seconds (N, 2), made like windows."""
        seconds, frames = self.catalog.frames(video_id)
        clip_seconds = self.catalog.indexed_with.clip_seconds
        found = [frames_within(seconds, start, end, clip_seconds) for start, end in parts.tolist()]
        spans = np.array(found, np.int64)
        cosines: Floats = (window_embeddings(frames, spans) @ query).astype(np.float64)
        return cosines


@contextmanager
def moment_search(catalog: Catalog) -> Iterator[MomentSearch]:
    """A search of the present state of a catalog, whatever is written meanwhile."""
    vectors = open_vectors(catalog)
    with catalog.snapshot():
        is_present = vectors.revision == catalog.revision
        yield MomentSearch(catalog, vectors if is_present else vectors_in_memory(catalog))
