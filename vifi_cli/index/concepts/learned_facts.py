"""What was learned, as it is stored: the encoder's fingerprint, the numbers of the query, and the rest as JSON."""

import json
from dataclasses import asdict

import numpy as np

from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.concepts.concept import CrossValidation, HeldOutScores, LearnedQuery

LENGTH_TOLERANCE = 0.01
"""How far from 1 the length of a query may be."""


def facts_of(learned: LearnedQuery) -> tuple[str, bytes, str]:
    """The columns of a learned query: fingerprint, little-endian float32 numbers, JSON."""
    facts = {
        "form": learned.form,
        "validation": learned.validation and asdict(learned.validation),
        "model": learned.model,
        "held_out": asdict(learned.held_out),
    }
    return learned.vision_fingerprint, learned.embedding.astype("<f4").tobytes(), json.dumps(facts)


def learned_of(fingerprint: str | None, embedding: object, facts: str | None) -> LearnedQuery | None:
    """The learned query in columns; None if there is none, or none that makes sense: marks teach it again."""
    if fingerprint is None or not isinstance(embedding, bytes) or len(embedding) % 4:
        return None
    vector = np.frombuffer(embedding, "<f4").astype(np.float32)
    if not is_direction(vector):
        return None
    try:
        content = json.loads(facts or "{}")
        validation = content.get("validation")
        return LearnedQuery(
            fingerprint,
            vector,
            str(content.get("form", "text")),
            None if validation is None else CrossValidation(**validation),
            str(content.get("model", "")),
            HeldOutScores(**content.get("held_out", {})),
        )
    except (ValueError, TypeError, AttributeError):
        return None


def is_direction(vector: Float32Array) -> bool:
    """Whether numbers are a query: finite, and of length 1."""
    with np.errstate(all="ignore"):
        return bool(len(vector)) and abs(float(np.linalg.norm(vector)) - 1) <= LENGTH_TOLERANCE
