"""From a text and marked moments to the query vector of a concept. Arithmetic only."""

from dataclasses import dataclass

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float32Array, Int64Array
from vifi_cli.index.concepts.concept import CrossValidation
from vifi_cli.index.concepts.validation import cross_validation

MARKS_WEIGHT = 3.0
"""How much the marks count beside the text."""


@dataclass(frozen=True, slots=True, eq=False)
class MarkedWindows:
    """What was marked, as the encoder sees it."""

    embeddings: Float32Array  # (M, D), each of length 1
    is_right: BoolArray  # (M,)
    groups: Int64Array  # (M,): marks of one group, such as one video, say the same about how well a query was learned


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What marks have taught."""

    query: Float32Array  # (D,), of length 1
    form: str
    validation: CrossValidation | None  # None: too few marks to leave some out


def learn_query(text: Float32Array, marked: MarkedWindows) -> Lesson | None:
    """Learns from a text's embedding (D,) and marks; None if these are too few."""
    query = _with_marks(text, marked.embeddings, marked.is_right)
    if query is None:
        return None
    scores = np.zeros(len(marked.groups))
    for group in np.unique(marked.groups):
        rest = marked.groups != group
        learned = _with_marks(text, marked.embeddings[rest], marked.is_right[rest])
        if learned is None:
            return Lesson(query, "marks", None)
        scores[~rest] = marked.embeddings[~rest] @ learned
    of_text = (marked.embeddings @ text).astype(np.float64)
    return Lesson(query, "marks", cross_validation(of_text, scores, marked.is_right, marked.groups))


def _with_marks(text: Float32Array, embeddings: Float32Array, is_right: BoolArray) -> Float32Array | None:
    right, wrong = embeddings[is_right], embeddings[~is_right]
    if not len(right) or not len(wrong):
        return None
    query = text + MARKS_WEIGHT * (right.mean(axis=0) - wrong.mean(axis=0))
    unit: Float32Array = (query / np.linalg.norm(query)).astype(np.float32)
    return unit
