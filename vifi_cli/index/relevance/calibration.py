"""The scores of neutral texts in an index: measured once for each revision, and kept beside its vector file.

`neutral_descriptions.txt` describes in everyday words what videos show: some line fits most pictures to some degree.
`neutral_rarities.txt` names things, animals, actions and scenes that almost no collection shows. `curve` explains
their use.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from vifi_cli import paths
from vifi_cli.index.arrays import Float32Array, Float64Array, Int64Array
from vifi_cli.index.catalog.query_cache import cached_text_embeddings
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.index.relevance.curve import Calibration, calibrate, description_level, relevance
from vifi_cli.index.vectors import Vectors

NAME = "calibration-"
MOST_WINDOWS = 262_144
"""A larger index is sampled: the scores of rarities hardly grow with more windows."""

RATED_AT_ONCE = 16_384
_RECIPE = 1  # raise it when the way a calibration is measured changes

Rater = Callable[[Vectors, Int64Array, Float32Array], Float64Array]
"""From vectors, the windows of hits (W,), nearest first, and their cosines (W,) to the relevance of each, in 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class NeutralTexts:
    """The neutral texts as one text encoder embeds them: float32 (N, D) each, rows of length 1."""

    text_fingerprint: str
    descriptions: Float32Array
    rarities: Float32Array


def read_neutral_texts(
    cache_folder: Path, text_fingerprint: str, load_encoder: Callable[[], TextEncoder]
) -> NeutralTexts:
    """Embeds the neutral texts, or takes them from the cache of queries; `load_encoder` is called only if needed."""
    descriptions, rarities = lines_of("descriptions"), lines_of("rarities")
    embeddings = cached_text_embeddings(
        cache_folder, text_fingerprint, [*descriptions, *rarities], load_encoder
    )
    return NeutralTexts(text_fingerprint, embeddings[: len(descriptions)], embeddings[len(descriptions) :])


@cache
def lines_of(kind: str) -> tuple[str, ...]:
    """The texts of one kind, `descriptions` or `rarities`."""
    file = resources.files("vifi_cli.index.relevance") / f"neutral_{kind}.txt"
    return tuple(file.read_text(encoding="utf-8").splitlines())


def text_rater(folder: Path, neutral: NeutralTexts) -> Rater:
    """Rates the hits of a text in the index in `folder`, where calibrations are kept."""

    def rate(vectors: Vectors, ids: Int64Array, cosines: Float32Array) -> Float64Array:
        margins = margins_of(vectors, ids, cosines, neutral)
        return relevance(margins, calibration_of(folder, vectors, neutral))

    return rate


def calibration_of(folder: Path, vectors: Vectors, neutral: NeutralTexts) -> Calibration:
    """The calibration for the vectors of an index, at least one, measured if none is kept."""
    path = folder / f"{NAME}{vectors.revision}-{_digest(neutral)}.json"
    with suppress(OSError, ValueError, TypeError):
        return Calibration(**json.loads(path.read_text()))
    calibration = measure_calibration(vectors, neutral)
    with suppress(OSError):  # without the right to write, the next search measures again
        with paths.replacing(path, is_own=True) as unfinished:
            unfinished.write_text(json.dumps(asdict(calibration)))
        for other in set(folder.glob(f"{NAME}*.json")) - set(folder.glob(f"{NAME}{vectors.revision}-*.json")):
            other.unlink(missing_ok=True)
    return calibration


def measure_calibration(vectors: Vectors, neutral: NeutralTexts) -> Calibration:
    """Finds the margin of the best hit of each text about a rarity, in the index or an even sample of it."""
    nearest = np.zeros_like(neutral.rarities)
    cosines = np.full(len(nearest), -np.inf, np.float32)
    for windows in vectors.spread_sample(MOST_WINDOWS):
        here = neutral.rarities @ windows.T
        nearer = here.max(axis=1) > cosines
        nearest[nearer] = windows[here.argmax(axis=1)[nearer]]
        cosines = np.maximum(cosines, here.max(axis=1))
    return calibrate(cosines - description_level(nearest, neutral.descriptions))


def margins_of(
    vectors: Vectors, ids: Int64Array, cosines: Float32Array, neutral: NeutralTexts
) -> Float32Array:
    """How much better a text fits windows than everyday descriptions do, (W,): see `relevance`.

    Takes the ids of at least one window (W,), and the cosines (W,) of the text with each of them.
    """
    levels = [
        description_level(vectors.embeddings(ids[start : start + RATED_AT_ONCE]), neutral.descriptions)
        for start in range(0, len(ids), RATED_AT_ONCE)
    ]
    margins: Float32Array = cosines - np.concatenate(levels)
    return margins


def _digest(neutral: NeutralTexts) -> str:
    """A digest of everything a calibration depends on, except the vectors."""
    digest = hashlib.sha256(f"{_RECIPE} {neutral.text_fingerprint}".encode())
    for texts in (neutral.descriptions, neutral.rarities):
        digest.update(texts.astype("<f2").tobytes())
    return digest.hexdigest()[:16]
