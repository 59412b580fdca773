"""What an index holds, in numbers, and whether it holds together."""

from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog import EMBEDDING_DTYPE, SECONDS_DTYPE, Catalog, decode_path
from vifi_cli.index.records import FailedFile, IndexedWith


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
        roots=tuple((root, sum(path.is_relative_to(root) for path in paths)) for root in catalog.roots()),
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


def _partly_read(catalog: Catalog) -> tuple[tuple[Path, str], ...]:
    rows = catalog.db.execute("SELECT path, warning FROM videos WHERE warning IS NOT NULL ORDER BY path")
    return tuple((decode_path(row[0]), row[1]) for row in rows)
