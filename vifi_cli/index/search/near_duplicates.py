"""Hits that look nearly the same, folded into the best of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.index.search.moments import ScoredWindow

NEARLY_EQUAL = 0.95
"""The cosine from which on two moments look nearly the same; docs/searching.md tells what it was chosen by."""

ROOM_AT_FIRST = 64


@dataclass(frozen=True, slots=True)
class FoldedHit:
    """A hit, and the worse ones that look nearly the same."""

    hit: ScoredWindow
    duplicates: tuple[ScoredWindow, ...] = ()


def fold_near_duplicates(
    hits: Iterable[ScoredWindow],
    embed: Callable[[ScoredWindow], npt.NDArray[np.float32]],
    *,
    most: int | None = None,
    nearly_equal: float = NEARLY_EQUAL,
) -> list[FoldedHit]:
    """Folds each hit into the one before it that it equals most, if nearly, until `most` are left.

    Args:
        hits: best first; no more of them are taken than it needs.
        embed: gives the embedding of a hit, float32 (D,), of length 1.
        most: how many are left at most.
        nearly_equal: the least cosine of two that look nearly the same.
    """
    kept: list[tuple[ScoredWindow, list[ScoredWindow]]] = []
    embeddings = np.empty((0, 0), np.float32)
    for hit in hits:
        if len(kept) == most:
            break
        embedding = embed(hit)
        if not kept:
            embeddings = np.empty((ROOM_AT_FIRST, len(embedding)), np.float32)
        likeness = embeddings[: len(kept)] @ embedding
        if likeness.max(initial=-1.0) >= nearly_equal:
            kept[int(likeness.argmax())][1].append(hit)
            continue
        if len(kept) == len(embeddings):
            embeddings = np.concatenate([embeddings, np.empty_like(embeddings)])
        embeddings[len(kept)] = embedding
        kept.append((hit, []))
    return [FoldedHit(hit, tuple(duplicates)) for hit, duplicates in kept]
