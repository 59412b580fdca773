"""The one place where the page searches: words by the index's own encoder, which stays loaded, or by a known moment."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import InvalidInput
from vifi_cli.index.calibration import Rater, text_rater
from vifi_cli.index.catalog import Catalog
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.neutral_texts import read_neutral_texts
from vifi_cli.index.query_cache import cached_query_embedding
from vifi_cli.index.records import IndexedWith
from vifi_cli.index.relevance import WORTH_SHOWING
from vifi_cli.index.video_filter import VideoFilter
from vifi_cli.index.video_index import SearchHit, VideoIndex
from vifi_cli.index.windows import window_embeddings
from vifi_cli.web.address import Stretch
from vifi_cli.web.library import LibraryVideo, video_by_key, videos_by_path
from vifi_cli.web.question import Question

PER_VIDEO = 3
ROUNDED_SECONDS = 0.001  # of times in addresses

LoadTextEncoder = Callable[[IndexedWith], TextEncoder]


@dataclass(frozen=True, slots=True)
class Hit:
    """A moment of a video to show.

    Attributes:
        video: it is of.
        start_seconds: where it begins.
        end_seconds: where it ends.
        score: cosine to what was asked for; None where it was not searched for.
        relevance: estimated probability that it shows what was asked for; None where hits are not rated.
    """

    video: LibraryVideo
    start_seconds: float
    end_seconds: float
    score: float | None = None
    relevance: float | None = None

    @property
    def is_relevant(self) -> bool:
        """Whether it is more of a find than a guess."""
        return self.relevance is None or self.relevance >= WORTH_SHOWING


class Searcher:
    """Answers questions; to be used in the thread that reads the index."""

    def __init__(self, load_encoder: LoadTextEncoder, cache_folder: Path) -> None:
        self._load_encoder = load_encoder
        self._cache_folder = cache_folder
        self._encoder: tuple[IndexedWith, TextEncoder] | None = None

    def warm_up(self, index: VideoIndex) -> None:
        """Loads what a search needs, so that the first one does not wait for it."""
        self._encoder_of(index.catalog.indexed_with)
        self.search(index, Question(words="anything", top=1))  # vectors, and what relevance is measured by

    def search(self, index: VideoIndex, question: Question) -> list[Hit]:
        """The hits of a question, best first, each with how relevant it is if words were asked for.

        Raises:
            InvalidInput: it names a moment of a video that is not indexed.
            VifiError: the encoder cannot be loaded.
        """
        rate: Rater | None = None
        if question.like:
            embedding, seeds = stretch_embedding(index.catalog, question.like), PER_VIDEO
        else:
            embedding, seeds = self._embed(index.catalog.indexed_with, question.words), 0
            rate = self._rater_of(index)
        found = index.search(
            embedding,
            top=question.top + seeds,
            by=question.by,
            per_video=PER_VIDEO,
            below=question.below or None,
            among=VideoFilter(shortest_seconds=question.shortest),
            rate=rate,
        )
        hits = [
            hit
            for hit in _with_videos(index.catalog, found)
            if not (question.like and _shows(hit, question.like))
        ]
        return hits[: question.top]

    def _rater_of(self, index: VideoIndex) -> Rater:
        indexed_with = index.catalog.indexed_with
        neutral = read_neutral_texts(
            self._cache_folder, indexed_with.text_fingerprint, lambda: self._encoder_of(indexed_with)
        )
        return text_rater(index.catalog.path.parent, neutral)

    def _embed(self, indexed_with: IndexedWith, words: str) -> npt.NDArray[np.float32]:
        return cached_query_embedding(
            self._cache_folder,
            indexed_with.text_fingerprint,
            words,
            lambda: self._encoder_of(indexed_with),
        )

    def _encoder_of(self, indexed_with: IndexedWith) -> TextEncoder:
        if self._encoder is None or self._encoder[0] != indexed_with:
            self._encoder = indexed_with, self._load_encoder(indexed_with)
        return self._encoder[1]


def stretch_embedding(catalog: Catalog, stretch: Stretch) -> npt.NDArray[np.float32]:
    """What a search compares, float32 (D,), of a stretch of an indexed video: for a window, that window's own.

    Raises:
        InvalidInput: the video is not indexed, or no longer.
    """
    video = video_by_key(catalog, stretch.video)
    if video is None:
        raise InvalidInput("that video is no longer in the index, or has changed: search for it again")
    seconds, embeddings = catalog.frames(stretch.video.id)
    first = min(int(np.searchsorted(seconds, stretch.start_seconds)), len(seconds) - 1)
    end = int(np.searchsorted(seconds, stretch.end_seconds))
    if stretch.end_seconds >= video.duration_seconds - ROUNDED_SECONDS:
        end = len(seconds)  # a frame that begins at the very end of the video belongs to its last window
    embedding: npt.NDArray[np.float32] = window_embeddings(
        embeddings, np.array([[first, max(end, first + 1)]])
    )[0]
    return embedding


def _with_videos(catalog: Catalog, hits: list[SearchHit]) -> list[Hit]:
    """The hits with their videos; one that has just left the index is left out."""
    videos = videos_by_path(catalog, (hit.path for hit in hits))
    return [
        Hit(videos[hit.path], hit.start_seconds, hit.end_seconds, hit.score, hit.relevance)
        for hit in hits
        if hit.path in videos
    ]


def _shows(hit: Hit, stretch: Stretch) -> bool:
    """Whether a hit is the moment that was asked about, or more than half of it."""
    overlap = min(hit.end_seconds, stretch.end_seconds) - max(hit.start_seconds, stretch.start_seconds)
    shorter = min(hit.end_seconds - hit.start_seconds, stretch.end_seconds - stretch.start_seconds)
    return hit.video.key == stretch.video and overlap >= shorter / 2
