"""Reads a catalog: its videos, frames and windows, and what a search looks up."""

import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from vifi_cli.errors import IndexChanged
from vifi_cli.index.arrays import Float16Array, Float32Array, Float64Array, Int64Array
from vifi_cli.index.catalog.connection import catalog_state
from vifi_cli.index.catalog.opening import open_catalog_file
from vifi_cli.index.catalog.records import CatalogedVideo, CatalogTotals, FailedFile, IndexedWith
from vifi_cli.index.catalog.rows import (
    FAILURE_ROW,
    VIDEO_ROW,
    decode_path,
    encode_path,
    failure_of_row,
    video_of_row,
)
from vifi_cli.index.catalog.video_filter import EVERY_VIDEO, VideoFilter, conditions_of
from vifi_cli.index.windows import frames_within, mean_embedding
from vifi_cli.paths import unicode_form
from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.failure_kind import FailureKind

SECONDS_DTYPE = np.dtype("<f8")
EMBEDDING_DTYPE = np.dtype("<f2")
PARAMETERS_PER_STATEMENT = 900
"""SQLite's oldest limit on the number of parameters of one statement is 999."""


class CatalogReader:
    """An open catalog, to be read. Use as a context manager; connections belong to one thread."""

    def __init__(self, path: Path) -> None:
        """Opens an existing catalog; raises IndexMissing, IndexDamaged or IndexProblem."""
        self.path = path
        self._opened_as = catalog_state(path)
        self.db, self._frozen = open_catalog_file(path)
        row = next(self.db.query("SELECT * FROM catalogue"))
        self.indexed_with = IndexedWith(**{field.name: row[field.name] for field in fields(IndexedWith)})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self.db.close()

    @property
    def is_outdated(self) -> bool:
        """Whether this connection shows another state than the present files do: open the catalog again."""
        present = catalog_state(self.path)
        # SQLite itself sees what is written ahead, unless it took the catalog for one that never changes
        return present[0] != self._opened_as[0] if self._frozen is None else present != self._frozen

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """Reads within see one state of the catalog, whatever is written meanwhile. Not for writing.

        Raises:
            IndexChanged: the catalog cannot be locked here, and was written meanwhile.
        """
        if self.db.conn.in_transaction:
            yield
            return
        self.db.execute("BEGIN")
        try:
            yield
        except sqlite3.Error:
            self._check_unchanged()
            raise
        finally:
            self.db.execute("ROLLBACK")
        self._check_unchanged()

    def _check_unchanged(self) -> None:
        if self._frozen is not None and self.is_outdated:
            raise IndexChanged(
                f"the index in {self.path.parent} changed while it was read: run the command again"
            )

    @property
    def revision(self) -> str:
        """A name for the present set of windows: how many changes it has seen, and a random part."""
        generation, random = self.db.execute("SELECT generation, revision FROM catalogue").fetchone()
        return f"{generation}-{random}"

    @property
    def vectors_revision(self) -> str | None:
        """The revision for which a vector file was last made; the present one came from it."""
        revision: str | None = self.db.execute("SELECT vectors_revision FROM catalogue").fetchone()[0]
        return revision

    def totals(self) -> CatalogTotals:
        """How many videos, how long, and how many failures."""
        failures, postponed = self.db.execute(
            "SELECT total(kind = ?), total(kind != ?) FROM failures", 2 * (FailureKind.UNREADABLE,)
        ).fetchone()
        videos, seconds = self.db.execute("SELECT count(*), total(duration_seconds) FROM videos").fetchone()
        return CatalogTotals(videos, seconds, int(failures), int(postponed))

    def videos(self) -> list[CatalogedVideo]:
        """All videos, without their embeddings."""
        return self._videos("ORDER BY id")

    def video(self, video_id: int) -> CatalogedVideo | None:
        """The video with an id."""
        return next(iter(self._videos("WHERE id = ?", (video_id,))), None)

    def video_at(self, path: Path) -> CatalogedVideo | None:
        """The video indexed at a path, or at one of the same names in another Unicode form."""
        found = next(iter(self._videos("WHERE path = ?", (encode_path(path),))), None)
        if found or str(path).isascii():
            return found
        alike = (known for known in self.paths() if unicode_form(known) == unicode_form(path))
        known = next(alike, None)
        return None if known is None else self.video_at(known)

    def videos_at(self, paths: Iterable[Path]) -> dict[Path, CatalogedVideo]:
        """The videos indexed at paths, without the paths that have none."""
        wanted = list({encode_path(path) for path in paths})
        found = self._in_parts(f"SELECT {VIDEO_ROW} FROM videos WHERE path IN ({{}})", wanted)
        return {video.path: video for video in map(video_of_row, found)}

    def videos_of_size(self, size_bytes: int) -> list[CatalogedVideo]:
        """The videos whose file has this size; only these can have the same content."""
        return self._videos("WHERE size_bytes = ? ORDER BY id", (size_bytes,))

    def videos_with_content(self, fingerprints: Iterable[str]) -> list[CatalogedVideo]:
        """The videos whose content has one of these fingerprints, in the order of their paths."""
        wanted = sorted(set(fingerprints) - {""})
        found = self._in_parts(f"SELECT {VIDEO_ROW} FROM videos WHERE fingerprint IN ({{}})", wanted)
        return sorted(map(video_of_row, found), key=lambda video: video.path)

    def newest_videos(self, count: int) -> list[CatalogedVideo]:
        """The videos indexed last, newest first."""
        return self._videos("ORDER BY indexed_at DESC, id DESC LIMIT ?", (count,))

    def paths(self) -> Iterator[Path]:
        """The paths of all videos."""
        return (decode_path(row[0]) for row in self.db.execute("SELECT path FROM videos"))

    def partly_read(self) -> list[tuple[Path, str]]:
        """The videos that could be read only in part, each with the reason."""
        rows = self.db.execute("SELECT path, warning FROM videos WHERE warning IS NOT NULL ORDER BY path")
        return [(decode_path(row[0]), row[1]) for row in rows]

    def failures(self) -> list[FailedFile]:
        """The files with unreadable content."""
        return self._failures("kind = ?")

    def postponed(self) -> list[FailedFile]:
        """The files that could not be read for a reason that may pass; an older content may be indexed."""
        return self._failures("kind != ?")

    def costly_failures(self, least_runs: int, since: str) -> set[Path]:
        """The files whose reading broke off in so many runs in a row, the last time since a time in ISO format."""
        rows = self.db.execute(
            "SELECT path FROM failures WHERE kind = ? AND runs >= ? AND failed_at > ?",
            (FailureKind.BROKEN_OFF, least_runs, since),
        )
        return {decode_path(row[0]) for row in rows}

    def roots(self) -> list[Path]:
        """The folders and files given to `vifi index`."""
        return [decode_path(row[0]) for row in self.db.execute("SELECT path FROM roots ORDER BY path")]

    def frames(self, video_id: int) -> tuple[Float64Array, Float16Array]:
        """The seconds (T,) and un-normalized embeddings (T, D) of one video's sampled frames, or of its clips."""
        seconds, embeddings = self.db.execute(
            "SELECT seconds, embeddings FROM frames WHERE video_id = ?", (video_id,)
        ).fetchone()
        dimension = self.indexed_with.dimension
        return (
            np.frombuffer(seconds, SECONDS_DTYPE),
            np.frombuffer(embeddings, EMBEDDING_DTYPE).reshape(-1, dimension),
        )

    def embedding_of(self, video_id: int, start_seconds: float, end_seconds: float) -> Float32Array:
        """The embedding (D,) of a part of a video, made like that of a window: see `windows.frames_within`.

        It reads nothing else of the embeddings, of which a long video has many megabytes.
        """
        (blob,) = self.db.execute("SELECT seconds FROM frames WHERE video_id = ?", (video_id,)).fetchone()
        seconds, dimension = np.frombuffer(blob, SECONDS_DTYPE), self.indexed_with.dimension
        first, end = frames_within(seconds, start_seconds, end_seconds, self.indexed_with.clip_seconds)
        with self.db.conn.blobopen("frames", "embeddings", video_id, readonly=True) as embeddings:
            embeddings.seek(first * dimension * EMBEDDING_DTYPE.itemsize)
            part = embeddings.read((end - first) * dimension * EMBEDDING_DTYPE.itemsize)
        return mean_embedding(np.frombuffer(part, EMBEDDING_DTYPE).reshape(-1, dimension))

    def clock(self, video_id: int) -> FileClock | None:
        """How the times of a video are counted; None if the vifi that indexed it noted no clock, or another kind."""
        row = self.db.execute("SELECT clock FROM videos WHERE id = ?", (video_id,)).fetchone()
        try:
            return FileClock.from_json(row[0]) if row and row[0] else None
        except ValueError:  # it is determined from the file again
            return None

    def frame_count(self) -> int:
        """The number of frame embeddings."""
        return int(self.db.execute("SELECT total(length(seconds)) / 8 FROM frames").fetchone()[0])

    def window_ids(self) -> Int64Array:
        """Ids of all windows, int64 (W,), ascending."""
        return _ids(self.db.execute("SELECT id FROM windows ORDER BY id"))

    def window_ids_among(self, among: VideoFilter) -> Int64Array | None:
        """Ids of the windows of videos that meet the conditions; None if there are no conditions."""
        return None if among == EVERY_VIDEO else self.window_ids_of(self.video_ids_among(among))

    def video_ids_among(self, among: VideoFilter) -> list[int]:
        """Ids of the videos that meet the conditions."""
        where, values = conditions_of(among)
        rows = self.db.execute(f"SELECT id, path FROM videos WHERE {where} ORDER BY id", values)
        return [row[0] for row in rows if among.matches_path(decode_path(row[1]))]

    def window_ids_of(self, video_ids: Sequence[int]) -> Int64Array:
        """Ids of the windows of videos."""
        return _ids(self._in_parts("SELECT id FROM windows WHERE video_id IN ({})", video_ids))

    def window_ids_near(self, video_id: int, start_seconds: float, end_seconds: float) -> Int64Array:
        """Ids of a video's windows that show some of these seconds, except the one over all of it."""
        return _ids(
            self.db.execute(
                "SELECT id FROM windows WHERE video_id = ? AND NOT is_whole AND end_seconds > ? AND start_seconds < ?",
                (video_id, start_seconds, end_seconds),
            )
        )

    def windows(self, ids: Int64Array) -> list[tuple[int, int, float, float, bool]]:
        """Id, video id, start and end (seconds) of windows, and whether each stands for its video, not for a moment."""
        columns = "id, video_id, start_seconds, end_seconds, is_whole"
        rows = self._in_parts(f"SELECT {columns} FROM windows WHERE id IN ({{}})", ids.tolist())
        return [(*row[:4], bool(row[4])) for row in rows]

    def windows_by_video(self, after_id: int = -1) -> Iterator[tuple[int, Int64Array]]:
        """Yields (video id, int64 (W, 3) of window id, first frame, end frame) for windows above an id."""
        query = "SELECT DISTINCT video_id FROM windows WHERE id > ? ORDER BY video_id"
        for (video_id,) in self.db.execute(query, (after_id,)).fetchall():
            rows = self.db.execute(
                "SELECT id, first_frame, end_frame FROM windows WHERE video_id = ? AND id > ? ORDER BY id",
                (video_id, after_id),
            ).fetchall()
            yield int(video_id), np.array(rows, np.int64)

    def paths_of(self, video_ids: Iterable[int]) -> dict[int, Path]:
        """The paths of videos by their ids."""
        rows = self._in_parts("SELECT id, path FROM videos WHERE id IN ({})", sorted(set(video_ids)))
        return {row[0]: decode_path(row[1]) for row in rows}

    def faults(self) -> list[str]:
        """The faults that SQLite finds in the file, and embeddings that do not fit their times."""
        faults = [row[0] for row in self.db.execute("PRAGMA quick_check") if row[0] != "ok"]
        faults += [f"orphaned rows in {row[0]}" for row in self.db.execute("PRAGMA foreign_key_check")]
        bytes_per_frame = EMBEDDING_DTYPE.itemsize * self.indexed_with.dimension
        (misfits,) = self.db.execute(
            "SELECT count(*) FROM frames WHERE length(embeddings) * ? != length(seconds) * ?",
            (SECONDS_DTYPE.itemsize, bytes_per_frame),
        ).fetchone()
        return [*faults, f"{misfits} videos with wrong embeddings"] if misfits else faults

    def _videos(self, condition: str, values: Sequence[object] = ()) -> list[CatalogedVideo]:
        rows = self.db.execute(f"SELECT {VIDEO_ROW} FROM videos {condition}", tuple(values))
        return [video_of_row(row) for row in rows]

    def _failures(self, condition: str) -> list[FailedFile]:
        statement = f"SELECT {FAILURE_ROW} FROM failures WHERE {condition} ORDER BY path"
        return [failure_of_row(row) for row in self.db.execute(statement, (FailureKind.UNREADABLE,))]

    def _in_parts(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Runs a statement with `IN ({})` over any number of values."""
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(values), PARAMETERS_PER_STATEMENT):
            part = values[start : start + PARAMETERS_PER_STATEMENT]
            rows += self.db.execute(statement.format(",".join("?" * len(part))), tuple(part)).fetchall()
        return rows


def _ids(rows: Iterable[tuple[Any, ...]]) -> Int64Array:
    return np.fromiter((row[0] for row in rows), np.int64)
