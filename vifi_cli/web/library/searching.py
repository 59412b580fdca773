"""The one place where the page searches: words by the index's own encoder, which stays loaded, or by a known moment."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.query_cache import cached_query_embedding
from vifi_cli.index.relevance.calibration import Rater, text_rater
from vifi_cli.index.relevance.neutral_texts import NeutralTexts, read_neutral_texts
from vifi_cli.index.relevance.relevance import WORTH_SHOWING
from vifi_cli.index.search.ranking import Place
from vifi_cli.index.search.video_filter import VideoFilter
from vifi_cli.index.search.video_index import SearchHit, VideoIndex
from vifi_cli.index.windows import stretch_embedding
from vifi_cli.web.library.address import Stretch
from vifi_cli.web.library.question import Question
from vifi_cli.web.library.videos import LibraryVideo, video_by_key, videos_by_path

PER_VIDEO = 3

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
        self._neutral: NeutralTexts | None = None

    def warm_up(self, index: VideoIndex) -> None:
        """Loads what a search needs, so that the first one does not wait for it."""
        self._encoder_of(index.catalog.indexed_with)
        self.search(index, Question(words="anything", top=1))  # vectors, and what relevance is measured by

    def search(self, index: VideoIndex, question: Question) -> list[Hit]:
        """The hits of a question, best first, each with how relevant it is if words were asked for.

        Raises:
            InvalidInput: it names a moment of a video that is not indexed, or that is not in the video.
            VifiError: the encoder cannot be loaded.
        """
        rate: Rater | None = None
        without: Place | None = None
        if question.like:
            embedding, without = _seen(index.catalog, question.like)
        else:
            embedding = self._embed(index.catalog.indexed_with, question.words)
            rate = self._rater_of(index)
        found = index.search(
            embedding,
            top=question.top,
            by=question.by,
            per_video=PER_VIDEO,
            below=question.below or None,
            among=VideoFilter(shortest_seconds=question.shortest),
            without=without,
            rate=rate,
        )
        return _with_videos(index.catalog, found)

    def _rater_of(self, index: VideoIndex) -> Rater:
        indexed_with = index.catalog.indexed_with
        fingerprint = indexed_with.text_fingerprint
        if self._neutral is None or self._neutral.text_fingerprint != fingerprint:
            self._neutral = read_neutral_texts(
                self._cache_folder, fingerprint, lambda: self._encoder_of(indexed_with)
            )
        return text_rater(index.catalog.path.parent, self._neutral)

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


def _seen(catalog: Catalog, stretch: Stretch) -> tuple[npt.NDArray[np.float32], Place]:
    """What a stretch of an indexed video looks like, float32 (D,), and where it is, as `vifi similar` has both.

    Raises:
        InvalidInput: the video is not indexed, or no longer, or ends before.
    """
    with catalog.snapshot():
        video = video_by_key(catalog, stretch.video)
        if video is None:
            raise InvalidInput("that video is no longer in the index, or has changed: search for it again")
        if stretch.start_seconds > video.duration_seconds:
            raise InvalidInput("that video ends before the moment in the address: search for it again")
        frames = catalog.frames(stretch.video.id)
    span = stretch.start_seconds, stretch.end_seconds
    return stretch_embedding(*frames, *span), Place(stretch.video.id, *span)


def _with_videos(catalog: Catalog, hits: list[SearchHit]) -> list[Hit]:
    """The hits with their videos; one that has just left the index is left out."""
    videos = videos_by_path(catalog, (hit.path for hit in hits))
    return [
        Hit(videos[hit.path], hit.start_seconds, hit.end_seconds, hit.score, hit.relevance)
        for hit in hits
        if hit.path in videos
    ]
