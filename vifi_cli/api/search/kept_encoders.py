"""The encoders that the queries of one session need: each is loaded once, when it is first needed."""

from collections.abc import Callable
from pathlib import Path

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.library.encoders import (
    EncoderChoice,
    load_index_encoder,
    load_query_encoder,
    require_text_side,
    with_reader,
)
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.query_cache import cached_text_embeddings
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.encoder import Encoder, TextEncoder
from vifi_cli.index.relevance.calibration import NeutralTexts, read_neutral_texts

LoadTextEncoder = Callable[[IndexedWith, EncoderChoice, Feedback], TextEncoder]
"""Loads the encoder of words for an index with this signature."""
LoadEncoder = Callable[[IndexedWith, str, Feedback], Encoder]
"""Loads both sides of it on a device."""


class KeptEncoders:
    """Encoders for any index, by its signature, and what is needed of texts without loading them again."""

    def __init__(
        self,
        feedback: Feedback,
        cache_folder: Path,
        load_text_encoder: LoadTextEncoder = load_query_encoder,
        load_encoder: LoadEncoder = load_index_encoder,
    ) -> None:
        """Texts' embeddings are cached in `cache_folder`."""
        self._feedback, self._cache = feedback, cache_folder
        self._load_text_encoder, self._load_encoder = load_text_encoder, load_encoder
        self._text_encoders: dict[tuple[IndexedWith, EncoderChoice], TextEncoder] = {}
        self._encoders: dict[tuple[IndexedWith, str], Encoder] = {}
        # with the model of the settings, where that reads words
        self._decided: dict[tuple[IndexedWith, EncoderChoice], EncoderChoice] = {}
        self._neutral: dict[str, NeutralTexts] = {}

    def of_texts(self, indexed_with: IndexedWith, choice: EncoderChoice) -> TextEncoder:
        """The encoder of words: the text side of a model, or of the index's own; InvalidInput if that has none."""
        key = indexed_with, self._with_reader(indexed_with, choice)
        if key[1].model is None:
            require_text_side(indexed_with)
        if key not in self._text_encoders:
            self._text_encoders[key] = self._load_text_encoder(*key, self._feedback)
        return self._text_encoders[key]

    def of_videos(self, indexed_with: IndexedWith, device: str) -> Encoder:
        """The index's own encoder."""
        key = indexed_with, device
        if key not in self._encoders:
            self._encoders[key] = self._load_encoder(*key, self._feedback)
        return self._encoders[key]

    def reader(self, indexed_with: IndexedWith, choice: EncoderChoice) -> str:
        """The name of the model that reads the words of queries."""
        if self._is_read_by_another(indexed_with, choice):
            return self.of_texts(indexed_with, choice).model_name
        return indexed_with.model

    def embed_text(self, indexed_with: IndexedWith, text: str, choice: EncoderChoice) -> Float32Array:
        """The embedding of words, float32 (D,), from the cache if it is known."""
        embedding: Float32Array = cached_text_embeddings(
            self._cache,
            self._text_fingerprint(indexed_with, choice),
            [text],
            lambda: self.of_texts(indexed_with, choice),
            dimension=indexed_with.dimension,
        )[0]
        return embedding

    def neutral_texts(self, indexed_with: IndexedWith, choice: EncoderChoice) -> NeutralTexts:
        """The texts that relevance is measured by."""

        def load_and_note() -> TextEncoder:
            encoder = self.of_texts(indexed_with, choice)
            self._feedback.note(
                f"the first search with {encoder.model_name} embeds the texts that relevance is measured by"
            )
            return encoder

        fingerprint = self._text_fingerprint(indexed_with, choice)
        if fingerprint not in self._neutral:
            self._neutral[fingerprint] = read_neutral_texts(
                self._cache, fingerprint, load_and_note, dimension=indexed_with.dimension
            )
        return self._neutral[fingerprint]

    def _text_fingerprint(self, indexed_with: IndexedWith, choice: EncoderChoice) -> str:
        if self._is_read_by_another(indexed_with, choice):
            return self.of_texts(indexed_with, choice).text_fingerprint
        return indexed_with.text_fingerprint

    def _is_read_by_another(self, indexed_with: IndexedWith, choice: EncoderChoice) -> bool:
        """Whether another model than the index's own reads words."""
        return bool(self._with_reader(indexed_with, choice).model)

    def _with_reader(self, indexed_with: IndexedWith, choice: EncoderChoice) -> EncoderChoice:
        """The choice as it is carried out; a session decides once."""
        key = indexed_with, choice
        if key not in self._decided:
            self._decided[key] = with_reader(choice, indexed_with)
        return self._decided[key]
