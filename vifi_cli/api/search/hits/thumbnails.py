"""Small pictures of hits, decoded in a process of their own."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from vifi_cli.api.cut.known_clocks import known_clocks
from vifi_cli.errors import UnreadableVideo
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.export.preview import still_pixels
from vifi_cli.video.workers.isolated_worker import IsolatedWorker
from vifi_cli.video.workers.messages import Answers

Pixels = npt.NDArray[np.uint8]


def thumbnails(hits: Sequence[SearchHit], height: int) -> Iterator[Pixels | None]:
    """The frame in the middle of each hit, uint8 (H, W, 3), height in pixels at most; None if it cannot be read."""
    clocks = known_clocks({hit.path for hit in hits})
    with IsolatedWorker() as worker:
        for hit in hits:
            middle = (hit.start_seconds + hit.end_seconds) / 2
            try:
                call = partial(still_pixels, hit.path, middle, height, clocks.get(hit.path))
                yield worker.call(call, Answers(Pixels))
            except UnreadableVideo:
                yield None
