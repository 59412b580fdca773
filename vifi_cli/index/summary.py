"""The contents of an index in numbers, and whether its vectors fit."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from vifi_cli.errors import IndexChanged, IndexProblem
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import FailedFile, IndexedWith
from vifi_cli.index.concepts.store import ConceptStore
from vifi_cli.index.vectors import Vectors
from vifi_cli.index.windows import window_embeddings

SAMPLED_VIDEOS, SAMPLED_WINDOWS = 5, 5
ATTEMPTS = 3
SCORE_TOLERANCE = 2e-3
"""Vectors are kept as float16."""


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """The contents of an index, the encoder behind it, and its size."""

    folder: Path
    indexed_with: IndexedWith
    roots: tuple[tuple[Path, int], ...]  # indexed folders and files, each with the number of videos under it
    videos: int
    video_seconds: float
    frames: int
    windows: int
    size_bytes: int  # of all files of the index
    failures: tuple[FailedFile, ...]
    postponed: tuple[
        FailedFile, ...
    ]  # could not be read for a reason that may pass; the next run tries again
    partly_read: tuple[tuple[Path, str], ...]  # videos that could be read only in part, with what was wrong
    concepts: tuple[str, ...] = ()  # the names of those taught
    concepts_problem: str = ""  # why these cannot be read


def summarize(folder: Path) -> IndexSummary:
    """Summarizes the index in a folder; raises IndexMissing or IndexDamaged."""
    for _ in range(ATTEMPTS):
        with suppress(IndexChanged):
            return _summarize(folder)
    return _summarize(folder)


def _summarize(folder: Path) -> IndexSummary:
    concepts, problem = _concepts(folder)
    with Catalog(folder / CATALOG_FILE) as catalog, catalog.snapshot():
        totals = catalog.totals()
        return IndexSummary(
            folder=folder,
            indexed_with=catalog.indexed_with,
            roots=_count_below(catalog.roots(), catalog.paths()),
            videos=totals.videos,
            video_seconds=totals.video_seconds,
            frames=catalog.frame_count(),
            windows=len(catalog.window_ids()),
            size_bytes=_size_of(folder),
            failures=tuple(catalog.failures()),
            postponed=tuple(catalog.postponed()),
            partly_read=tuple(catalog.partly_read()),
            concepts=concepts,
            concepts_problem=problem,
        )


def _concepts(folder: Path) -> tuple[tuple[str, ...], str]:
    """The names of the concepts taught in an index, or why they cannot be read, which is no problem of the index."""
    try:
        return tuple(ConceptStore(folder).names()), ""
    except IndexProblem as problem:
        return (), str(problem)


def _size_of(folder: Path) -> int:
    size_bytes = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # a run has just replaced it
            size_bytes += file.stat().st_size if file.is_file() else 0
    return size_bytes


def vectors_agree(catalog: Catalog, vectors: Vectors) -> bool:
    """Whether the vector file has, for a sample of windows, the embeddings that follow from the catalog."""
    for video_id, all_rows in islice(catalog.windows_by_video(), SAMPLED_VIDEOS):
        rows = all_rows[:SAMPLED_WINDOWS]
        _, frame_embeddings = catalog.frames(video_id)
        for (window_id, *_), embedding in zip(
            rows, window_embeddings(frame_embeddings, rows[:, 1:]), strict=True
        ):
            _, scores = vectors.search(embedding, 1, np.array([window_id]))
            if not len(scores) or (embedding.any() and abs(scores[0] - 1) > SCORE_TOLERANCE):
                return False
    return True


def _count_below(roots: list[Path], paths: Iterable[Path]) -> tuple[tuple[Path, int], ...]:
    counts = dict.fromkeys(roots, 0)
    for path in paths:
        for folder in (path, *path.parents):
            if folder in counts:
                counts[folder] += 1
    return tuple(counts.items())
