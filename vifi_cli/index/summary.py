"""What an index holds, in numbers, and whether it holds together."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from vifi_cli.index.catalog.catalog import EMBEDDING_DTYPE, SECONDS_DTYPE, Catalog, decode_path
from vifi_cli.index.catalog.records import FailedFile, IndexedWith
from vifi_cli.index.vectors import Vectors
from vifi_cli.index.windows import window_embeddings

SAMPLED_VIDEOS, SAMPLED_WINDOWS = 5, 5
SCORE_TOLERANCE = 2e-3
"""Vectors are kept as float16."""


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """What is indexed, with what, and how large it is.

    Attributes:
        folder: where the index lies.
        indexed_with: encoder and sampling.
        roots: folders and files that were indexed, each with the number of videos below it.
        videos: number of videos.
        video_seconds: their length together.
        frames: number of frame embeddings.
        windows: number of vectors.
        size_bytes: of all files of the index.
        failures: files that could not be read.
        partly_read: videos of which only a part could be read, with what was wrong.
    """

    folder: Path
    indexed_with: IndexedWith
    roots: tuple[tuple[Path, int], ...]
    videos: int
    video_seconds: float
    frames: int
    windows: int
    size_bytes: int
    failures: tuple[FailedFile, ...]
    partly_read: tuple[tuple[Path, str], ...]


def summarize(catalog: Catalog) -> IndexSummary:
    """Counts what a catalogue holds."""
    folder = catalog.path.parent
    paths = [video.path for video in catalog.videos()]
    count, seconds = catalog.db.execute("SELECT count(*), total(duration_seconds) FROM videos").fetchone()
    frames = catalog.db.execute("SELECT total(length(seconds)) / 8 FROM frames").fetchone()[0]
    windows = catalog.db.execute("SELECT count(*) FROM windows").fetchone()[0]
    return IndexSummary(
        folder=folder,
        indexed_with=catalog.indexed_with,
        roots=_count_below(catalog.roots(), paths),
        videos=count,
        video_seconds=seconds,
        frames=int(frames),
        windows=windows,
        size_bytes=sum(file.stat().st_size for file in folder.iterdir() if file.is_file()),
        failures=tuple(catalog.failures()),
        partly_read=_partly_read(catalog),
    )


def find_faults(catalog: Catalog) -> list[str]:
    """What SQLite finds wrong with the file, and embeddings that do not fit their times; empty if all is well."""
    faults = [row[0] for row in catalog.db.execute("PRAGMA quick_check") if row[0] != "ok"]
    faults += [f"orphaned rows in {row[0]}" for row in catalog.db.execute("PRAGMA foreign_key_check")]
    bytes_a_frame = EMBEDDING_DTYPE.itemsize * catalog.indexed_with.dimension
    (misfits,) = catalog.db.execute(
        "SELECT count(*) FROM frames WHERE length(embeddings) * ? != length(seconds) * ?",
        (SECONDS_DTYPE.itemsize, bytes_a_frame),
    ).fetchone()
    return [*faults, f"{misfits} videos with wrong embeddings"] if misfits else faults


def vectors_agree(catalog: Catalog, vectors: Vectors) -> bool:
    """Whether a sample of windows has in the vector file the embeddings that the catalogue gives them."""
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


def _count_below(roots: list[Path], paths: list[Path]) -> tuple[tuple[Path, int], ...]:
    """Counts the videos at or below each root."""
    counts = dict.fromkeys(roots, 0)
    for path in paths:
        for folder in (path, *path.parents):
            if folder in counts:
                counts[folder] += 1
    return tuple(counts.items())


def _partly_read(catalog: Catalog) -> tuple[tuple[Path, str], ...]:
    rows = catalog.db.execute("SELECT path, warning FROM videos WHERE warning IS NOT NULL ORDER BY path")
    return tuple((decode_path(row[0]), row[1]) for row in rows)
