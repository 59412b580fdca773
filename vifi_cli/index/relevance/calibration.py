"""The scores of neutral texts in an index: measured once for each revision, and kept beside its vector file.

`neutral_descriptions.txt` describes in everyday words what videos show: some line fits most pictures to some degree.
`neutral_rarities.txt` names things, animals, actions and scenes that almost no collection shows. `curve` explains
their use.
"""

import hashlib
import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from vifi_cli import paths
from vifi_cli.index.arrays import Float32Array, Float64Array
from vifi_cli.index.catalog.query_cache import cached_text_embeddings
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.relevance.curve import (
    SHORTFALL_WEIGHT,
    Calibration,
    calibrate,
    description_level,
    relevance,
    same_meaning,
)
from vifi_cli.index.vectors import Vectors

NAME = "calibration-"
_RECIPE = 3  # raise it when the way a calibration is measured changes

Rater = Callable[[Vectors, Float32Array, Float32Array], Float64Array]
"""From vectors, a query (D,) and the cosines (H,) of its hits to the relevance of each hit, in 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class NeutralTexts:
    """The neutral texts as one text encoder embeds them: float32 (N, D) each, rows of length 1."""

    text_fingerprint: str
    descriptions: Float32Array
    rarities: Float32Array


def read_neutral_texts(
    cache_folder: Path,
    text_fingerprint: str,
    load_encoder: Callable[[], TextEncoder],
    *,
    dimension: int | None = None,
) -> NeutralTexts:
    """Embeds the neutral texts, or takes them from the cache of queries; `load_encoder` is called only if needed.

    Raises:
        InvalidInput: the encoder cannot embed one of them.
    """
    descriptions, rarities = lines_of("descriptions"), lines_of("rarities")
    embeddings = cached_text_embeddings(
        cache_folder, text_fingerprint, [*descriptions, *rarities], load_encoder, dimension=dimension
    )
    return NeutralTexts(text_fingerprint, embeddings[: len(descriptions)], embeddings[len(descriptions) :])


@cache
def lines_of(kind: str) -> tuple[str, ...]:
    """The texts of one kind, `descriptions` or `rarities`."""
    file = resources.files("vifi_cli.index.relevance") / f"neutral_{kind}.txt"
    return tuple(file.read_text(encoding="utf-8").splitlines())


def text_rater(folder: Path, neutral: NeutralTexts) -> Rater:
    """Rates the hits of a text in the index in `folder`, where calibrations are kept."""

    def rate(vectors: Vectors, query: Float32Array, cosines: Float32Array) -> Float64Array:
        return relevance(margins(vectors, query, cosines, neutral), calibration_of(folder, vectors, neutral))

    return rate


def calibration_of(folder: Path, vectors: Vectors, neutral: NeutralTexts) -> Calibration:
    """The calibration for the vectors of an index, at least one, measured if none is kept."""
    path = folder / f"{NAME}{vectors.revision}-{_digest(neutral)}.json"
    with suppress(OSError, ValueError, TypeError):
        kept = Calibration(**json.loads(path.read_text()))
        if math.isfinite(kept.center) and math.isfinite(kept.spread):
            return kept
    calibration = measure_calibration(vectors, neutral)
    with suppress(OSError):  # without the right to write, the next search measures again
        with paths.replacing(path, is_own=True) as unfinished:
            unfinished.write_text(json.dumps(asdict(calibration)))
        for other in set(folder.glob(f"{NAME}*.json")) - set(folder.glob(f"{NAME}{vectors.revision}-*.json")):
            other.unlink(missing_ok=True)
    return calibration


def measure_calibration(vectors: Vectors, neutral: NeutralTexts) -> Calibration:
    """Finds the margin of the best hit of each text about a rarity, among all windows.

    All count: the more windows a query can choose from, the higher its best cosine. Compared with rarities in a sample,
    it would seem more and more relevant the larger the index is.
    """
    nearest = np.zeros_like(neutral.rarities)
    cosines = np.full(len(nearest), -np.inf, np.float32)
    for windows in vectors.in_parts():
        here = neutral.rarities @ windows.T
        places = here.argmax(axis=1)
        best = here[np.arange(len(here)), places]
        nearer = best > cosines
        nearest[nearer], cosines[nearer] = windows[places[nearer]], best[nearer]
    same = same_meaning(neutral.rarities, neutral.descriptions)
    return calibrate(cosines - description_level(nearest, neutral.descriptions, same))


def margins(
    vectors: Vectors, query: Float32Array, cosines: Float32Array, neutral: NeutralTexts
) -> Float64Array:
    """How far the cosines (H,) of hits are above the level of their query (D,), less their shortfall: see `curve`."""
    nearest = vectors.embeddings(np.array([vectors.nearest(query)]))
    same = same_meaning(query[None], neutral.descriptions)
    level = float(description_level(nearest, neutral.descriptions, same)[0])
    shortfall = np.maximum(float(nearest[0] @ query) - cosines.astype(np.float64), 0)
    above: Float64Array = cosines - level - SHORTFALL_WEIGHT * shortfall
    return above


def _digest(neutral: NeutralTexts) -> str:
    """A digest of everything a calibration depends on, except the vectors."""
    digest = hashlib.sha256(f"{_RECIPE} {neutral.text_fingerprint}".encode())
    for texts in (neutral.descriptions, neutral.rarities):
        digest.update(texts.astype("<f2").tobytes())
    return digest.hexdigest()[:16]
