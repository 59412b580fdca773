"""The embedding of each video's test clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, encode_videos
from vifi_cli.model.towers.vifi_clip import ViFiCLIP, unit_length

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedVideos:
    """The embeddings of videos.

    Attributes:
        videos: numbers of the videos that could be read, int64 (N,), ascending.
        embeddings: of these, float32 (N, D), of length 1.
        unreadable: numbers of the other videos, each with the reason.
    """

    videos: npt.NDArray[np.int64]
    embeddings: Embeddings
    unreadable: tuple[tuple[int, str], ...] = ()

    def __repr__(self) -> str:
        count, dimensions = self.embeddings.shape
        return f"EmbeddedVideos({count} x {dimensions}, {len(self.unreadable)} unreadable)"

    def embeddings_of(self, videos: Sequence[int]) -> Embeddings:
        """The embeddings of some readable videos, by their numbers."""
        return self.embeddings[np.searchsorted(self.videos, videos)]


def embed_videos(
    network: ViFiCLIP,
    clips: TestClips,
    enter: ClipInput,
    watch: Callable[[int], object] = lambda done: None,
) -> EmbeddedVideos:
    """Embeds each video by a test clip of one view.

    Args:
        network: on the device of `enter`; left in evaluation mode. `decision` fusion has no embedding of a video, so
            the mean over its frames is used.
        clips: of the videos.
        enter: how clips enter the encoder.
        watch: receives how many videos are done.
    """
    videos: list[int] = []
    parts: list[Embeddings] = []
    unreadable: list[tuple[int, str]] = []
    for numbers, encoded, bad in encode_videos(network, clips, range(len(clips.videos)), enter):
        if numbers:
            videos += numbers
            pooled = unit_length(encoded.mean(1)) if network.fusion == "decision" else encoded
            parts.append(pooled.cpu().numpy())
        unreadable += bad
        watch(len(videos) + len(unreadable))
    embeddings = np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)
    return EmbeddedVideos(np.array(videos, np.int64), embeddings, tuple(unreadable))
