"""Texts that nobody asked for, which the cosine of a query is compared with.

`neutral_descriptions.txt` describes in everyday words what videos show: some line fits most pictures to some degree.
`neutral_rarities.txt` names things, animals, actions and scenes that almost no collection shows. `curve` explains
their use.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.index.catalog.query_cache import cached_text_embeddings
from vifi_cli.index.encoder import TextEncoder

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class NeutralTexts:
    """The neutral texts as one text encoder reads them.

    Attributes:
        text_fingerprint: of the encoder.
        descriptions: float32 (N, D), each of length 1.
        rarities: float32 (M, D), each of length 1.
    """

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
