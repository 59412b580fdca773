"""Small pictures of hits, decoded in a process of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from vifi_cli.api.cut.known_clocks import known_clocks
from vifi_cli.errors import UnreadableVideo
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.export.preview import still_pixels
from vifi_cli.video.workers.isolated_worker import IsolatedWorker
from vifi_cli.video.workers.messages import Answers

Pixels = npt.NDArray[np.uint8]
GAP_PIXELS = 4


class Thumbnails:
    """Makes small pictures of hits, all in one process of its own. Use as a context manager."""

    def __init__(self, height: int) -> None:
        """Pictures are `height` pixels high at most."""
        self._height, self._worker = height, IsolatedWorker()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.end()

    def middle(self, hit: SearchHit, clock: FileClock | None = None) -> Pixels | None:
        """The frame in the middle of a hit, uint8 (H, W, 3); None if it cannot be read."""
        middle = (hit.start_seconds + hit.end_seconds) / 2
        try:
            call = partial(still_pixels, hit.path, middle, self._height, clock)
            return self._worker.call(call, Answers(Pixels))
        except UnreadableVideo:
            return None

    def strip(self, hit: SearchHit, count: int) -> Pixels | None:
        """Frames of a hit side by side, one of each of `count` equal parts, as far as they can be read."""
        clock = known_clocks([hit.path]).get(hit.path)
        edges = np.linspace(hit.start_seconds, hit.end_seconds, count + 1).tolist()
        parts = (replace(hit, start_seconds=start, end_seconds=end) for start, end in pairwise(edges))
        frames: list[Pixels] = []
        for part in parts:
            frame = self.middle(part, clock)
            if frame is None or (frames and len(frame) != len(frames[0])):
                return frames[0] if frames else None
            frames += [np.zeros((len(frame), GAP_PIXELS, 3), np.uint8)] if frames else []
            frames.append(frame)
        return np.concatenate(frames, axis=1)


def thumbnails(hits: Sequence[SearchHit], height: int) -> Iterator[Pixels | None]:
    """The frame in the middle of each hit, uint8 (H, W, 3), height in pixels at most; None if it cannot be read."""
    clocks = known_clocks({hit.path for hit in hits})
    with Thumbnails(height) as pictures:
        for hit in hits:
            yield pictures.middle(hit, clocks.get(hit.path))
