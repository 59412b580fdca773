"""An index with the encoders its queries need, kept at hand for one search or for many."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from vifi_cli import paths
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.library.encoders import (
    load_fitting_text_encoder,
    load_index_encoder,
    load_index_text_encoder,
)
from vifi_cli.index.catalog.catalog import CATALOG_FILE
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.encoder import Encoder, TextEncoder
from vifi_cli.index.query_cache import cached_query_embedding
from vifi_cli.index.relevance.calibration import Rater, text_rater
from vifi_cli.index.relevance.neutral_texts import NeutralTexts, read_neutral_texts
from vifi_cli.index.search.query import Example, Query, Words, combine, require_wanted
from vifi_cli.index.search.ranking import Place
from vifi_cli.index.search.video_filter import VideoFilter
from vifi_cli.index.search.video_index import SearchHit, VideoIndex

if TYPE_CHECKING:
    from vifi_cli.index.search.examples import SeenExample


class SearchOptions(TypedDict, total=False):
    """The options of `VideoIndex.search`."""

    top: int
    by: Literal["moment", "video"]
    per_video: int
    below: str | None
    among: VideoFilter
    without: Place | None
    fold_duplicates: bool


class SearchSession:
    """An index to be searched, opened when it is first needed, and encoders that are kept. Use as a context manager."""

    def __init__(self, index_folder: Path, feedback: Feedback) -> None:
        """Takes the folder of an index, which is opened later, and who hears what goes on."""
        self._folder, self._feedback = index_folder, feedback
        self._index: VideoIndex | None = None
        self._file_state: object = None
        self._text_encoders: dict[tuple[IndexedWith, str, str | None], TextEncoder] = {}
        self._encoders: dict[tuple[IndexedWith, str], Encoder] = {}
        self._neutral: dict[str, NeutralTexts] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def index(self) -> VideoIndex:
        """The index; raises IndexMissing or IndexDamaged."""
        if self._index is None:
            self._file_state = self._present_file_state()
            self._index = VideoIndex(self._folder)
        return self._index

    def refresh(self) -> None:
        """Opens the index anew if its file is another one now; a changed catalogue is noticed by each search."""
        if self._index is not None and self._present_file_state() != self._file_state:
            self.close()

    def find(
        self, query: Query, device: str, model: str | None = None, **options: Unpack[SearchOptions]
    ) -> tuple[str, list[SearchHit]]:
        """Embeds a query, searches and rates what is found; gives the name of the model that read it, and the hits.

        Args:
            query: what to look for.
            device: where encoders run, if something in the query is new.
            model: reads the words of the query; the index's own encoder unless named.
            options: as `VideoIndex.search` takes them.

        Raises:
            InvalidInput, EncoderMismatch: as `embed` does.
        """
        embedding, rate = self.embed(query, device, model), self.rater(query, device, model)
        return self.reader(device, model), self.index.search(embedding, rate=rate, **options)

    def embed(self, query: Query, device: str, model: str | None = None) -> npt.NDArray[np.float32]:
        """The embedding of a query, float32 (D,), of length 1.

        Args:
            query: what is looked for.
            device: where encoders run.
            model: reads the words of the query; the index's own encoder unless named.

        Raises:
            InvalidInput: an example cannot be read, or the terms cancel each other out.
            EncoderMismatch: the model sees pictures otherwise than the index's own, or that has changed.
        """
        require_wanted(query)
        embeddings = [
            self._read(term.meaning.text, device, model)
            if isinstance(term.meaning, Words)
            else self.see(term.meaning, device).embedding
            for term in query.terms
        ]
        return combine(np.stack(embeddings), [term.weight for term in query.terms])

    def rater(self, query: Query, device: str, model: str | None = None) -> Rater | None:
        """What rates the hits of a query by how neutral texts do in the index; None unless it is wanted words alone.

        What pictures reach, and words that are taken away, neutral texts do not tell.
        """
        if any(term.weight <= 0 or not isinstance(term.meaning, Words) for term in query.terms):
            return None

        def load_and_tell() -> TextEncoder:
            encoder = self.text_encoder(device, model)
            self._feedback.note(
                f"the first search with {encoder.model_name} reads the texts that hits are judged by"
            )
            return encoder

        fingerprint = self._text_fingerprint(device, model)
        if fingerprint not in self._neutral:
            self._neutral[fingerprint] = read_neutral_texts(paths.cache_folder(), fingerprint, load_and_tell)
        return text_rater(self._folder, self._neutral[fingerprint])

    def see(self, example: Example, device: str) -> "SeenExample":
        """What an example looks like; an encoder is loaded only if the index does not know it.

        Raises:
            InvalidInput: it cannot be read.
            EncoderMismatch: the index's own encoder has changed since.
        """
        from vifi_cli.index.search.examples import look_up_example, read_example  # and with it the decoder

        catalog = self.index.catalog
        if known := look_up_example(catalog, example):
            return known
        with self._feedback.task(f"Looking at {example.path.name}") as watch:
            return read_example(example, lambda: self._encoder(device), catalog.indexed_with.sampling, watch)

    def text_encoder(self, device: str, model: str | None = None) -> TextEncoder:
        """What reads the words of queries: the text side of a model, or of the index's own encoder."""
        indexed_with = self.index.catalog.indexed_with
        key = indexed_with, device, model
        if key not in self._text_encoders:
            self._text_encoders[key] = (
                load_fitting_text_encoder(model, indexed_with, device, self._feedback)
                if model
                else load_index_text_encoder(indexed_with, device, self._feedback)
            )
        return self._text_encoders[key]

    def reader(self, device: str, model: str | None = None) -> str:
        """The name of what reads the words of queries."""
        return self.text_encoder(device, model).model_name if model else self.index.catalog.indexed_with.model

    def _read(self, text: str, device: str, model: str | None) -> npt.NDArray[np.float32]:
        fingerprint = self._text_fingerprint(device, model)
        return cached_query_embedding(
            paths.cache_folder(), fingerprint, text, lambda: self.text_encoder(device, model)
        )

    def _text_fingerprint(self, device: str, model: str | None) -> str:
        if model:
            return self.text_encoder(device, model).text_fingerprint
        return self.index.catalog.indexed_with.text_fingerprint

    def _encoder(self, device: str) -> Encoder:
        key = self.index.catalog.indexed_with, device
        if key not in self._encoders:
            self._encoders[key] = load_index_encoder(*key, self._feedback)
        return self._encoders[key]

    def _present_file_state(self) -> object:
        """What changes when another file takes the catalogue's place, or where one that is only read is written."""
        try:
            status = (self._folder / CATALOG_FILE).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_mtime_ns

    def close(self) -> None:
        """Closes the index; the next use opens it anew."""
        if self._index is not None:
            self._index.catalog.close()
            self._index = None
