"""The catalog, the truth about an index: one SQLite file with every video, its frame embeddings and its windows.

Each change of a video is one transaction, and each transaction that changes windows raises `generation`. It shows
whether the vector file (a cache, see `vectors`) is current.
"""

import secrets
import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple
from itertools import product
from pathlib import Path

from vifi_cli.disk.mount_identity import MountIdentity
from vifi_cli.index.catalog.connection import BUSY_SECONDS, catalog_state
from vifi_cli.index.catalog.opening import create_catalog_file, explain, now
from vifi_cli.index.catalog.reader import EMBEDDING_DTYPE, SECONDS_DTYPE, CatalogReader
from vifi_cli.index.catalog.records import CatalogedVideo, EncodedVideo, FailedFile, IndexedWith
from vifi_cli.index.catalog.rows import encode_path
from vifi_cli.index.windows import windows_of
from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.files.video_file import VideoFile

CATALOG_FILE = "catalog.sqlite3"
FILE_IDENTITY = 2  # numbers of a FileVersion that tell one file from another: its device and inode
INFO_COLUMNS = "duration_seconds, width, height, codec, decoding, warning, clock"
STATE_COLUMNS = "size_bytes, modified_ns, status_changed_ns, inode, mount"
FILE_COLUMNS = f"path, {STATE_COLUMNS}, on_other_device"
VIDEO_COLUMNS = f"{FILE_COLUMNS}, fingerprint, digest, {INFO_COLUMNS}, indexed_at"
FAILURE_COLUMNS = f"path, {STATE_COLUMNS}, reason, failed_at, kind, runs"
WINDOW_COLUMNS = "start_seconds, end_seconds, first_frame, end_frame, is_whole"


class Catalog(CatalogReader):
    """An open catalog, to be read and written. Use as a context manager; connections belong to one thread."""

    @classmethod
    def create(cls, path: Path, indexed_with: IndexedWith) -> "Catalog":
        """Makes a new, empty catalog, replacing any other, and opens it."""
        create_catalog_file(path, indexed_with)
        return cls(path)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All or nothing; raises IndexProblem where the disk is full or cannot be written."""
        try:
            # at once: SQLite does not wait for another writer once it has read
            self.db.execute("BEGIN IMMEDIATE")
            yield
            self.db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise explain(self.path, error) from error
        finally:
            self.db.rollback()  # unless it is complete

    def note_vectors(self, revision: str) -> None:
        """Notes that a vector file exists for a revision; raises IndexProblem while another process writes."""
        self._note("UPDATE catalogue SET vectors_revision = ?", (revision,))

    def _note(self, statement: str, values: tuple[object, ...]) -> None:
        """Writes something that a later reader could find out again, and does not wait for an index run to do so."""
        was_outdated = self.is_outdated
        self.db.execute("PRAGMA busy_timeout = 0")
        try:
            with self.transaction():
                self.db.execute(statement, values)
        finally:
            self.db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        self._write_back()
        if not was_outdated:
            self._note_own_change()

    def _note_own_change(self) -> None:
        """What this connection writes is not news to it, unless the file has just been replaced by another one."""
        (before, _), present = self._opened_as, catalog_state(self.path)
        if before and present[0] and before[:FILE_IDENTITY] == present[0][:FILE_IDENTITY]:
            self._opened_as = present

    def close(self) -> None:
        """Closes the connection."""
        self._write_back()
        super().close()

    def _write_back(self) -> None:
        """Takes what this connection wrote ahead over into the catalog, unless another one still reads it.

        Otherwise, while any other connection is open, a copy of the catalog alone would lack them, and they would be
        written into a backup that is copied over the catalog.
        """
        with suppress(sqlite3.Error):
            if not self.db.conn.total_changes:
                return
            self.db.execute("PRAGMA busy_timeout = 0")
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self.db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def note_clock(self, video: CatalogedVideo, clock: FileClock) -> None:
        """Keeps the clock of a video indexed without one; raises IndexProblem if that cannot be written now."""
        self._note(
            "UPDATE videos SET clock = ? WHERE id = ? AND path = ? AND modified_ns = ?",
            (clock.as_json(), video.id, encode_path(video.path), video.modified_ns),
        )

    def add_roots(self, roots: Iterable[Path]) -> None:
        """Remembers the folders and files that were indexed, so that a later run can index them again."""
        with self.transaction():
            for root in roots:
                self.db.table("roots").upsert({"path": encode_path(root), "indexed_at": now()}, pk="path")

    def store(self, video: EncodedVideo) -> None:
        """Stores a video with its frames and windows, in place of whatever its path held, in one transaction."""
        with self.transaction():
            self._delete_path(video.file.path)
            stored = {"clock": video.info.clock.as_json()}
            info = [stored.get(name, getattr(video.info, name)) for name in INFO_COLUMNS.split(", ")]
            video_id = self._insert(
                f"INSERT INTO videos ({VIDEO_COLUMNS}) VALUES ({_places(VIDEO_COLUMNS)})",
                (*_file_values(video.file), video.fingerprint, video.digest, *info, now()),
            )
            self.db.table("frames").insert(
                {
                    "video_id": video_id,
                    "seconds": video.seconds.astype(SECONDS_DTYPE).tobytes(),
                    "embeddings": video.embeddings.astype(EMBEDDING_DTYPE).tobytes(),
                }
            )
            windows = windows_of(
                video.seconds, video.info.duration_seconds, clip_seconds=self.indexed_with.clip_seconds
            )
            self.db.conn.executemany(
                f"INSERT INTO windows (video_id, {WINDOW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                [(video_id, *astuple(window)) for window in windows],
            )
            self.raise_generation()

    def store_copy(self, original: CatalogedVideo, copy: VideoFile) -> bool:
        """Stores a file with the content of a known video, without decoding it; False if that has left the index."""
        if not self.db.execute("SELECT 1 FROM videos WHERE id = ?", (original.id,)).fetchone():
            return False
        with self.transaction():
            self._delete_path(copy.path)
            video_id = self._insert(
                f"INSERT INTO videos ({VIDEO_COLUMNS}) "
                f"SELECT {_places(FILE_COLUMNS)}, fingerprint, digest, {INFO_COLUMNS}, ? FROM videos WHERE id = ?",
                (*_file_values(copy), now(), original.id),
            )
            self.db.execute(
                "INSERT INTO frames SELECT ?, seconds, embeddings FROM frames WHERE video_id = ?",
                (video_id, original.id),
            )
            self.db.execute(
                f"INSERT INTO windows (video_id, {WINDOW_COLUMNS}) "
                f"SELECT ?, {WINDOW_COLUMNS} FROM windows WHERE video_id = ?",
                (video_id, original.id),
            )
            self.raise_generation()
        return True

    def rename(self, moves: Sequence[tuple[CatalogedVideo, VideoFile]]) -> None:
        """Gives videos new paths and file states; embeddings, windows and vectors stay as they are.

        Uses one transaction, and temporary names that no file can have, so that files may swap names.
        """
        with self.transaction():
            for video, _ in moves:
                self.db.execute("UPDATE videos SET path = ? WHERE id = ?", (b"\0%d" % video.id, video.id))
            replaced = [self._delete_path(file.path) for _, file in moves]
            self._update_files(moves)
            if any(replaced):
                self.raise_generation()

    def note_files(self, files: Sequence[tuple[CatalogedVideo, VideoFile]]) -> None:
        """Notes the present state of files whose content and path are as they were."""
        with self.transaction():
            self._update_files(files)

    def note_mounts(self, replaced: Mapping[MountIdentity, MountIdentity]) -> None:
        """Notes that file systems are known by another mount from now on."""
        with self.transaction():
            for table, (before, after) in product(("videos", "failures"), replaced.items()):
                self.db.execute(
                    f"UPDATE {table} SET mount = ? WHERE mount = ?", (after.as_text(), before.as_text())
                )

    def forget(self, paths: Iterable[Path], roots: Iterable[Path] = ()) -> None:
        """Removes the videos and failures of these paths, and these roots, in one transaction."""
        with self.transaction():
            removed = [self._delete_path(path) for path in paths]
            for root in roots:
                self.db.execute("DELETE FROM roots WHERE path = ?", (encode_path(root),))
            if any(removed):
                self.raise_generation()

    def compact(self) -> None:
        """Gives the space of removed videos back to the disk."""
        try:
            self.db.execute("VACUUM")
        except sqlite3.OperationalError as error:
            raise explain(self.path, error) from error

    def record_failure(self, failed: FailedFile) -> None:
        """Remembers that a file cannot be read.

        Unreadable content replaces what was known about earlier content. A failure that may pass leaves it, and counts
        the runs in a row that ended so.
        """
        path, *state, _ = _file_values(failed.file)
        with self.transaction():
            runs = 1
            if failed.kind.may_pass:
                same = "path = ? AND size_bytes = ? AND modified_ns = ? AND kind = ?"
                values = (path, failed.file.size_bytes, failed.file.modified_ns, failed.kind)
                for (earlier,) in self.db.execute(f"SELECT runs FROM failures WHERE {same}", values):
                    runs = earlier + 1
            elif self._delete_path(failed.file.path):
                self.raise_generation()
            self.db.execute(
                f"INSERT OR REPLACE INTO failures ({FAILURE_COLUMNS}) VALUES ({_places(FAILURE_COLUMNS)})",
                (path, *state, failed.reason, now(), failed.kind, runs),
            )

    def forget_failures(self, paths: Iterable[Path]) -> None:
        """Removes the failures of these paths, and no video."""
        with self.transaction():
            encoded = [(encode_path(path),) for path in paths]
            self.db.conn.executemany("DELETE FROM failures WHERE path = ?", encoded)

    def _update_files(self, files: Iterable[tuple[CatalogedVideo, VideoFile]]) -> None:
        self.db.conn.executemany(
            f"UPDATE videos SET ({FILE_COLUMNS}) = ({_places(FILE_COLUMNS)}) WHERE id = ?",
            [(*_file_values(file), video.id) for video, file in files],
        )

    def _delete_path(self, path: Path) -> bool:
        """Drops a path's video and failure, and returns whether there was a video."""
        encoded = encode_path(path)
        self.db.execute("DELETE FROM failures WHERE path = ?", (encoded,))
        return bool(self.db.execute("DELETE FROM videos WHERE path = ?", (encoded,)).rowcount)

    def raise_generation(self) -> None:
        """Marks the vector file as out of date, within a transaction that changes windows."""
        self.db.execute(
            "UPDATE catalogue SET generation = generation + 1, revision = ?", (secrets.token_hex(8),)
        )

    def _insert(self, statement: str, values: tuple[object, ...]) -> int:
        row_id = self.db.execute(statement, values).lastrowid
        assert row_id is not None
        return row_id


def _file_values(file: VideoFile) -> tuple[object, ...]:
    """The values of `FILE_COLUMNS`."""
    state = file.size_bytes, file.modified_ns, file.status_changed_ns, file.inode
    return encode_path(file.path), *state, file.mount and file.mount.as_text(), file.on_other_device


def _places(columns: str) -> str:
    """A question mark for each column."""
    return ", ".join("?" for _ in columns.split(","))
