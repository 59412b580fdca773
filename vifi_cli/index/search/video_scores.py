"""The score of every video for every query at once, for evaluation; a search looks for the best hits only."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.windows import window_embeddings

Float32Array = npt.NDArray[np.float32]


def video_scores(catalog: Catalog, queries: Float32Array, videos: Sequence[int]) -> Float32Array:
    """Score videos as `VideoIndex.search` does with `by="video"`: by their best window.

    Args:
        catalog: of the index.
        queries: float32 (Q, D), each of length 1.
        videos: their ids, V of them, each in the index.

    Returns:
        Cosines, float32 (Q, V).
    """
    place_of = {video_id: place for place, video_id in enumerate(videos)}
    scores = np.zeros((len(queries), len(videos)), np.float32)
    with catalog.snapshot():
        for video_id, rows in catalog.windows_by_video():
            if video_id not in place_of:
                continue
            _, frames = catalog.frames(video_id)
            # a search compares float16 numbers too
            windows = window_embeddings(frames, rows[:, 1:]).astype(np.float16).astype(np.float32)
            scores[:, place_of[video_id]] = (queries @ windows.T).max(1)
    return scores
