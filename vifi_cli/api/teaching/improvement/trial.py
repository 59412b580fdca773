"""Tries a model on held-out marks and old answers, in a temporary index of a few videos, or in the present one."""

from dataclasses import dataclass

import numpy as np

from vifi_cli.api.evaluation.searched.tested_index import embedded, indexed_ids, temporary_index
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.library.encoders import load_both_sides
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.api.search.concept_queries import learn_concept
from vifi_cli.api.teaching.improvement.forgetting import Recollection
from vifi_cli.api.teaching.improvement.held_out import HeldOut, Scores, without_held_out
from vifi_cli.api.teaching.labeled_marks import MarkedMoments
from vifi_cli.errors import IndexProblem
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.search.video_index import VideoIndex


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A model as held-out marks and old answers measure it."""

    name: str  # for people, such as `tuned`
    model: str
    by_words: Scores  # of the descriptions
    by_marks: Scores  # of queries learned from the other marks, as `@NAME` searches
    kept: tuple[float, ...]  # the average precision of each kind of old answers
    alpha: float | None = None  # the tuned model's share of the weights, if they are averaged


@dataclass(frozen=True, slots=True)
class Examination:
    """What every model is asked."""

    marked: MarkedMoments
    held_out: HeldOut
    old: Recollection

    def of_index(self, name: str, index: VideoIndex, text: TextEncoder) -> Trial:
        """Measures an index of all videos in question, which another encoder of words may read."""
        texts = embedded([concept.description for concept in self.held_out.concepts], text)
        moments = self._moments(index.catalog)
        learned = [self._learned(place, words, index) for place, words in enumerate(texts)]
        return Trial(
            name,
            text.model_name,
            tuple((seen @ query).astype(np.float64) for seen, query in zip(moments, texts, strict=True)),
            tuple((seen @ query).astype(np.float64) for seen, query in zip(moments, learned, strict=True)),
            self.old.precisions(index.catalog, text),
        )

    def of_model(self, name: str, model: str, like: Catalog, device: str, feedback: Feedback) -> Trial:
        """Encodes the videos in question with a model, and measures that index."""
        encoder = load_both_sides(fetch_model(model, feedback), device, feedback)
        with (
            temporary_index(self.old.videos, encoder, like, feedback) as made,
            VideoIndex(made.path.parent) as index,
        ):
            return self.of_index(name, index, encoder)

    def _moments(self, catalog: Catalog) -> list[Float32Array]:
        """The embeddings (M, D) of the held-out moments of each tested concept."""
        paths = {moment.path for of_concept in self.held_out.moments for moment in of_concept}
        ids = indexed_ids(paths, catalog)
        if missing := sorted(paths - ids.keys()):
            raise IndexProblem(
                f"{missing[0]} could not be encoded, and its marks test the model: check the file"
            )
        return [
            np.stack(
                [
                    catalog.embedding_of(ids[each.path], each.part.start_seconds, each.part.end_seconds)
                    for each in of_concept
                ]
            )
            for of_concept in self.held_out.moments
        ]

    def _learned(self, place: int, words: Float32Array, index: VideoIndex) -> Float32Array:
        """The query that the marks of other groups teach in this index; the words where they are too few."""
        concept = without_held_out(self.marked, self.held_out.concepts[place], self.held_out.groups)
        learned = learn_concept(concept, index, lambda: words)
        return words if learned is None else learned.embedding
