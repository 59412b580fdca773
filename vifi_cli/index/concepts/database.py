"""The concepts' database as a file: opened for each use, to read or to write, and its errors in words.

It keeps a rollback journal, not a write-ahead file as the catalog does: marks are few and small, and anybody who may
read the file can then read all that is stored, also on network disks and full ones.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlite_utils import Database, Migrations

from vifi_cli import paths
from vifi_cli.disk import access_rights
from vifi_cli.disk.mounts import mount_of
from vifi_cli.errors import IndexDamaged, IndexLocked, IndexProblem
from vifi_cli.index.catalog.connection import CANNOT_WRITE

PATIENCE_SECONDS = 10.0
"""How long to wait for another process; none of them takes longer than a disk needs to store a few lines."""


migrations = Migrations("vifi-concepts")


@migrations()
def m001_concepts(db: Database) -> None:
    """The first schema. `key` is the name as it is compared; paths are BLOBs: the file system's own bytes.

    `revision` counts the changes of a concept's marks, and `learned_revision` is the one that the query was learned
    at. `embedding` holds little-endian float32 numbers (D,), and `facts` the rest of the learned query as JSON.
    """
    db.execute(
        """CREATE TABLE concepts (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            key TEXT NOT NULL UNIQUE,
            description TEXT NOT NULL,
            created_at TEXT NOT NULL,
            revision INTEGER NOT NULL DEFAULT 0,
            learned_revision INTEGER,
            vision_fingerprint TEXT,
            embedding BLOB,
            facts TEXT
        )"""
    )
    db.execute(
        """CREATE TABLE marks (
            id INTEGER PRIMARY KEY,
            concept_id INTEGER NOT NULL REFERENCES concepts (id) ON DELETE CASCADE,
            path BLOB NOT NULL,
            start_seconds REAL NOT NULL,
            end_seconds REAL NOT NULL,
            is_right INTEGER NOT NULL,
            fingerprint TEXT NOT NULL,
            marked_at TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX marks_by_concept ON marks (concept_id)")


MIGRATION_NAMES = (m001_concepts.__name__,)
"""All steps this version knows; a database that has seen others was made by a newer one."""


def concepts_file(index_folder: Path) -> Path:
    """Where the concepts of an index are kept: beside its folder, which a rebuild replaces."""
    return index_folder.with_name(f"{index_folder.name}-concepts.sqlite3")


@contextmanager
def reading(file: Path) -> Generator[Database | None]:
    """The database, with one state for all that is read within; None if nothing was ever taught.

    Raises:
        IndexDamaged: it is not such a database, or a newer vifi made it.
        IndexLocked: another process does not stop writing.
        IndexProblem: it cannot be read.
    """
    if not _is_there(file):
        yield None
        return
    try:
        db = _open(file, can_write=_can_write(file))
        try:
            db = _with_present_schema(db, file)
            db.execute("BEGIN")
            yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        raise explained(file, error) from error


@contextmanager
def writing(index_folder: Path) -> Generator[Database]:
    """The database in a transaction that is stored when this ends, and not at all if it fails.

    Raises:
        IndexDamaged, IndexLocked: as `reading`.
        IndexProblem: it cannot be written.
    """
    file = concepts_file(index_folder)
    try:
        _make(file, index_folder)
        db = _open(file, can_write=True)
        try:
            db.execute("BEGIN IMMEDIATE")  # at once: SQLite does not wait for another writer once it has read
            if _lacks_steps(db, file):
                migrations.apply(db)
            yield db
            db.execute("COMMIT")
        finally:
            db.close()  # which takes back what is not complete
    except (sqlite3.Error, OSError) as error:
        raise explained(file, error) from error


def explained(file: Path, error: Exception) -> IndexProblem:
    """An error of SQLite or of the file system in words: what is wrong with the concepts, and what to do."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return IndexLocked(f"another program keeps the concepts in {file} locked: try again when it is done")
    if code in CANNOT_WRITE or isinstance(error, OSError):
        return IndexProblem(
            f"the concepts in {file} could not be used ({getattr(error, 'strerror', None) or error}): what was stored "
            "is safe; check the access rights of the file and its folder, and free disk space"
        )
    return IndexDamaged(
        f"{file} cannot be read as concepts ({error}): restore it from a backup, or move it away and teach again"
    )


def _is_there(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise IndexProblem(
            f"you may not read the concepts in {file.parent}: ask its owner for the right to read that folder, or set "
            "VIFI_HOME to one of your own"
        ) from error
    return True


def _can_write(file: Path) -> bool:
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _make(file: Path, index_folder: Path) -> None:
    """Makes an empty file with the access rights of files in the index, if there is none yet."""
    if not _is_there(file):
        paths.make_own_folder(file.parent)
        access_rights.create_file(
            file, access_rights.file_mode(index_folder if index_folder.is_dir() else file.parent)
        )
    if not _can_write(file):
        raise IndexProblem(
            f"you may read the concepts in {file}, but not change them: ask their owner for the right to write that "
            "file and its folder, or set VIFI_HOME to a folder of your own"
        )
    mount = mount_of(file.parent)
    if mount and mount.ignored_locks:
        raise IndexProblem(
            f"{file.parent} is on a network share mounted with `{mount.ignored_locks}`, where two machines could "
            "damage the concepts: mount it without that option, or set VIFI_HOME to a folder on a local disk"
        )


def _open(file: Path, *, can_write: bool) -> Database:
    address = f"file:{quote(os.fsencode(file))}?mode={'rw' if can_write else 'ro'}"
    db = Database(sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS))
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _with_present_schema(db: Database, file: Path) -> Database:
    """The database, or a copy in memory with the present schema, which the next one who writes brings to the file."""
    if not _lacks_steps(db, file):
        return db
    copy = Database(memory=True)
    db.conn.backup(copy.conn)
    db.close()
    migrations.apply(copy)
    return copy


def _lacks_steps(db: Database, file: Path) -> bool:
    """Whether the schema is older than this version's; raises IndexDamaged if it is newer."""
    applied = {migration.name for migration in migrations.applied(db)}
    if not applied <= set(MIGRATION_NAMES):
        raise IndexDamaged(f"{file} was made by a newer vifi: upgrade this one with `pip install -U vifi`")
    return applied != set(MIGRATION_NAMES)
