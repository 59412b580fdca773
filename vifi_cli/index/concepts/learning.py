"""From a text and marked moments to the query vector of a concept. Arithmetic only."""

from dataclasses import dataclass

import numpy as np

from vifi_cli.index.arrays import BoolArray, Float32Array, Int64Array

MARKS_WEIGHT = 3.0
"""How much the marks count beside the text."""


@dataclass(frozen=True, slots=True, eq=False)
class MarkedWindows:
    """What was marked, as the encoder sees it."""

    embeddings: Float32Array  # (M, D), each of length 1
    is_right: BoolArray  # (M,)
    groups: Int64Array  # (M,): marks of one group, such as one video, say the same about how well a query was learned


def learn_query(text: Float32Array, marked: MarkedWindows) -> Float32Array | None:
    """The query (D,) of length 1 learned from a text's embedding (D,) and marks; None if these are too few."""
    right, wrong = marked.embeddings[marked.is_right], marked.embeddings[~marked.is_right]
    if not len(right) or not len(wrong):
        return None
    query = text + MARKS_WEIGHT * (right.mean(axis=0) - wrong.mean(axis=0))
    unit: Float32Array = (query / np.linalg.norm(query)).astype(np.float32)
    return unit
