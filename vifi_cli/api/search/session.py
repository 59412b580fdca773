"""One search session for commands, shell, page and programs: an open index, and the encoders that queries need."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np

from vifi_cli import paths
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.library.encoders import (
    INDEX_ENCODER,
    EncoderChoice,
    load_index_encoder,
    load_query_encoder,
)
from vifi_cli.api.search.concept_queries import fits, learn_concept, why_not_learned
from vifi_cli.api.search.kept_encoders import KeptEncoders, LoadEncoder, LoadTextEncoder
from vifi_cli.api.search.named_files import FILES_ON_DISK, IndexedFiles, NamedFiles
from vifi_cli.api.search.video_choice import path_problem
from vifi_cli.errors import IndexChanged, IndexProblem, InvalidInput
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.concepts.concept import Concept, LearnedQuery, Mark
from vifi_cli.index.concepts.concept_relevance import concept_rater
from vifi_cli.index.concepts.concept_search import search_concept
from vifi_cli.index.concepts.learning import TEXT
from vifi_cli.index.concepts.store import ConceptStore
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.relevance.calibration import Rater, text_rater
from vifi_cli.index.search.order.step_moments import SoughtStep
from vifi_cli.index.search.query import (
    AnyQuery,
    ConceptName,
    Example,
    OrderedQuery,
    Query,
    Step,
    Words,
    combine,
    query_in_words,
    require_wanted,
)
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import USUAL_OPTIONS, SearchHit, VideoIndex
from vifi_cli.model.registry.languages import language_hint

if TYPE_CHECKING:
    from vifi_cli.index.search.examples import SeenExample

ATTEMPTS = 3
Answer = TypeVar("Answer")


class SearchSession:
    """An index to be searched, opened when it is first needed, and encoders that are kept. Use as a context manager."""

    def __init__(
        self,
        index_folder: Path,
        feedback: Feedback,
        *,
        cache_folder: Path | None = None,
        load_text_encoder: LoadTextEncoder = load_query_encoder,
        opens_files: bool = True,
        load_encoder: LoadEncoder = load_index_encoder,
    ) -> None:
        """Texts' embeddings are cached in `cache_folder`, or in the user's cache.

        `opens_files=False` is for the users of a server: queries can name indexed videos only, by what the index knows.
        """
        self.folder, self._feedback = index_folder, feedback
        self._opens_files = opens_files
        self._index: VideoIndex | None = None
        self.concepts = ConceptStore(index_folder)
        """The concepts taught in this index."""
        self._encoders = KeptEncoders(
            feedback, cache_folder or paths.cache_folder(), load_text_encoder, load_encoder
        )
        self._has_hinted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def index(self) -> VideoIndex:
        """The index; raises IndexMissing or IndexDamaged."""
        if self._index is None:
            self._index = VideoIndex(self.folder)
        return self._index

    @property
    def _indexed_with(self) -> IndexedWith:
        return self.index.catalog.indexed_with

    def refresh(self) -> None:
        """Reopens the index at the next use if its connection does not show the present state."""
        if self._index is not None and self._index.catalog.is_outdated:
            self.close()

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Asks a question of the present index, and asks again if it changed meanwhile where it cannot be locked."""
        self.refresh()
        for _ in range(ATTEMPTS):
            try:
                return question()
            except IndexChanged:
                self.close()
        return question()

    def warm_up(self) -> None:
        """Loads everything that the first search in words needs."""
        if not self._indexed_with.reads_texts:
            return
        self.text_encoder()
        self.find(query_in_words("anything"), RankingOptions(top=1))

    def find(
        self,
        query: AnyQuery,
        options: RankingOptions = USUAL_OPTIONS,
        choice: EncoderChoice = INDEX_ENCODER,
    ) -> list[SearchHit]:
        """The best hits of a query, with their relevance if it is a concept alone, or all its terms are wanted words.

        The hits of a concept alone are those that nobody has marked, and then the moments marked right.

        Raises:
            InvalidInput, EncoderMismatch: as `embed` does; also, a step that must not be seen cannot be rated.
        """

        def search() -> list[SearchHit]:
            if isinstance(query, OrderedQuery):
                steps = [self._sought(step, choice) for step in query.steps]
                return self.index.search_in_order(steps, options)
            if query.sole_concept:
                return self._find_taught(self.concepts.get(query.sole_concept), options, choice)
            return self.index.search(self.embed(query, choice), options, self.rater(query, choice))

        return self.ask(search)

    def _find_taught(
        self, concept: Concept, options: RankingOptions, choice: EncoderChoice
    ) -> list[SearchHit]:
        """The hits of a concept alone; it is looked up, and perhaps learned, only once."""
        learned = self.learned(concept)
        rate = self._rater_of(concept, learned, choice)
        return search_concept(self.index, learned.embedding, concept.marks, options, rate)

    def _sought(self, step: Step, choice: EncoderChoice) -> SoughtStep:
        rate = self.rater(step.query, choice)
        if step.is_absent and rate is None:
            raise InvalidInput(
                f"then not {step.query.text}: only words can be rated as absent: describe it, without pictures and -"
            )
        embedding = self.embed(step.query, choice)
        return SoughtStep(step.query.text, embedding, rate, step.within_seconds, step.is_absent)

    def find_like(self, seen: "SeenExample", options: RankingOptions = USUAL_OPTIONS) -> list[SearchHit]:
        """The hits that look like an example, which is left out itself."""
        return self.ask(lambda: self.index.search(seen.embedding, replace(options, without=seen.place)))

    def embed(self, query: AnyQuery, choice: EncoderChoice = INDEX_ENCODER) -> Float32Array:
        """The embedding of a query of one step, float32 (D,), of length 1.

        Raises:
            InvalidInput: it has several steps, an example cannot be read, or the terms cancel each other out.
            EncoderMismatch: the model encodes images differently from the index's own, or that has changed.
        """
        if isinstance(query, OrderedQuery):
            raise InvalidInput(f"{query.text}: each step has an embedding of its own: embed one at a time")
        require_wanted(query)
        if not self._has_hinted and (hint := self.language_hint(query, choice)):
            self._has_hinted = True
            self._feedback.note(hint)
        embeddings = [self._embed(term.meaning, choice) for term in query.terms]
        return combine(np.stack(embeddings), [term.weight for term in query.terms])

    def _embed(self, meaning: Words | Example | ConceptName, choice: EncoderChoice) -> Float32Array:
        if isinstance(meaning, Words):
            return self._encoders.embed_text(self._indexed_with, meaning.text, choice)
        if isinstance(meaning, ConceptName):
            return self.learned(self.concepts.get(meaning.name)).embedding
        return self.see(meaning, choice.device).embedding

    def marks_searched_with(self, query: AnyQuery) -> tuple[Mark, ...]:
        """The marks of the concept that a query searches for alone: what they show is not a find."""
        if isinstance(query, OrderedQuery):
            return ()
        return self.concepts.get(query.sole_concept).marks if query.sole_concept else ()

    def learned(self, concept: Concept) -> LearnedQuery:
        """What a concept's marks have taught, learned again if its marks or the index's encoder have changed.

        Raises:
            EncoderMismatch: it belongs to another encoder, and too few of its marks are in this index.
            InvalidInput: its marks are too few to learn from.
        """
        if concept.learned and not concept.is_stale and fits(concept.learned, self.index.catalog):
            return concept.learned
        learned = self.learn(concept)
        if learned is None:
            raise why_not_learned(concept, self.index.catalog)
        with suppress(IndexProblem):  # where nothing can be kept, it is learned each time
            self.concepts.keep_learned(concept, learned)
        return learned

    def learn(self, concept: Concept) -> LearnedQuery | None:
        """Learns from a concept's description and its marks in this index; None if these are too few."""
        return learn_concept(concept, self.index, lambda: self.describe(concept.description))

    def describe(self, description: str) -> Float32Array:
        """The embedding (D,) of a concept's description; zeros where the encoder reads no words: marks alone teach."""
        indexed_with = self._indexed_with
        if not indexed_with.reads_texts:
            return np.zeros(indexed_with.dimension, np.float32)
        return self._encoders.embed_text(indexed_with, description, INDEX_ENCODER)

    def rater(self, query: Query, choice: EncoderChoice = INDEX_ENCODER) -> Rater | None:
        """Rates the hits of wanted words by the scores of neutral texts, and of a concept alone by its marks.

        None for all other queries: neither says anything about the scores of pictures, of words that are subtracted,
        or of a concept with words.
        """
        if query.sole_concept:
            concept = self.concepts.get(query.sole_concept)
            return self._rater_of(concept, self.learned(concept), choice)
        if any(term.weight <= 0 or not isinstance(term.meaning, Words) for term in query.terms):
            return None

        return text_rater(self.folder, self._encoders.neutral_texts(self._indexed_with, choice))

    def _rater_of(self, concept: Concept, learned: LearnedQuery, choice: EncoderChoice) -> Rater | None:
        if learned.form == TEXT:
            return self.rater(query_in_words(concept.description), choice)
        return concept_rater(learned.held_out)

    def see(self, example: Example, device: str = "auto") -> "SeenExample":
        """An example as the encoder sees it; an encoder is loaded only if the index does not know it.

        Raises:
            InvalidInput: it cannot be read.
            EncoderMismatch: the index's own encoder has changed since.
        """
        from vifi_cli.index.search.examples import (  # and with it the decoder
            look_up_example,
            read_example,
            recall_example,
        )

        catalog = self.index.catalog
        if not self._opens_files:
            return recall_example(catalog, example)
        if known := look_up_example(catalog, example):
            return known
        with self._feedback.task(f"Looking at {example.path.name}") as watch:
            return read_example(
                example,
                lambda: self._encoders.of_videos(catalog.indexed_with, device),
                catalog.indexed_with.sampling,
                watch,
            )

    def text_encoder(self, choice: EncoderChoice = INDEX_ENCODER) -> TextEncoder:
        """The encoder of words: the text side of a model, or of the index's own encoder."""
        return self._encoders.of_texts(self._indexed_with, choice)

    def reader(self, choice: EncoderChoice = INDEX_ENCODER) -> str:
        """The name of the model that reads the words of queries."""
        return self._encoders.reader(self._indexed_with, choice)

    def language_hint(self, query: AnyQuery, choice: EncoderChoice = INDEX_ENCODER) -> str:
        """Advice on words in a script that the encoder does not read; empty if there is none to give."""
        texts = [term.meaning.text for term in query.terms if isinstance(term.meaning, Words)]
        return language_hint(choice.model or self._indexed_with.model, " ".join(texts))

    def path_problem(self, pattern: str | None) -> str:
        """That no indexed video has a path that matches, with the name that may be meant; empty if one has."""
        return "" if pattern is None else path_problem(pattern, list(self.index.catalog.paths()))

    @property
    def files(self) -> NamedFiles:
        """The files that queries can name."""
        return FILES_ON_DISK if self._opens_files else IndexedFiles(self.index.catalog)

    def close(self) -> None:
        """Closes the index; the next use opens it again."""
        if self._index is not None:
            self._index.catalog.close()
            self._index = None
