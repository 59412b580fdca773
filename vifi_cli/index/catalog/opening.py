"""The catalog as a file: creating it, opening it to write or only to read, and explaining its errors."""

import secrets
import sqlite3
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from vifi_cli import paths
from vifi_cli.disk.replacement import COMPANIONS, save_names
from vifi_cli.errors import IndexDamaged, IndexMissing, IndexProblem
from vifi_cli.index.catalog.connection import (
    ATTEMPTS,
    CANNOT_WRITE,
    CatalogState,
    Connection,
    catalog_state,
    connect,
)
from vifi_cli.index.catalog.migrations import MIGRATION_NAMES, migrations
from vifi_cli.index.catalog.records import IndexedWith


def create_catalog_file(path: Path, indexed_with: IndexedWith) -> None:
    """Makes a new, empty catalog, which appears under its name only when complete.

    Raises:
        IndexProblem: SQLite cannot write it, such as on a full disk.
    """
    paths.make_own_folder(path.parent)
    with paths.replacing(path, is_own=True) as unfinished:
        try:
            _fill(unfinished, indexed_with)
        except sqlite3.OperationalError as error:
            raise explain(path, error) from error
        for end in COMPANIONS:  # SQLite would read leftovers of a killed process into the new catalog
            path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
    save_names(path.parent)


def _fill(file: Path, indexed_with: IndexedWith) -> None:
    """Writes the schema and the signature of a catalog into an empty file."""
    db = Database(sqlite3.connect(file))
    try:
        db.execute("PRAGMA page_size = 16384")  # embeddings of one second fill a 4 KiB page badly
        migrations.apply(db)
        signature = {field.name: getattr(indexed_with, field.name) for field in fields(IndexedWith)}
        db.table("catalogue").insert(
            {"id": 1, "generation": 0, "revision": secrets.token_hex(8), "created_at": now(), **signature}
        )
    finally:
        db.close()


def open_catalog_file(path: Path) -> tuple[Database, CatalogState | None]:
    """Opens a catalog and updates its schema; opens it only for reading where it cannot be written.

    Also returns the state of the files if later ones will not be seen (see `connection`).

    Raises:
        IndexMissing: the file does not exist.
        IndexDamaged: it is not a catalog, or a newer vifi made it.
        IndexProblem: it cannot be opened now.
    """
    if not _is_there(path):
        raise IndexMissing("nothing is indexed yet: run `vifi index FOLDER` first")
    for attempts_left in reversed(range(ATTEMPTS)):
        connection = None
        try:
            connection = connect(path)
            return _ready_to_use(connection, path)
        except sqlite3.Error as error:
            if connection:
                connection.sqlite.close()
            if not attempts_left or not _may_pass(error, connection, path):
                raise explain(path, error) from error
    raise AssertionError("the last attempt returns or raises")


def _ready_to_use(connection: Connection, path: Path) -> tuple[Database, CatalogState | None]:
    db, frozen = Database(connection.sqlite), connection.frozen
    db.execute("PRAGMA foreign_keys = ON")
    if _lacks_steps(db, path) and not (connection.can_write and _apply_steps(db, path)):
        seen = frozen or catalog_state(path)
        db = _updated_copy(db)
        # closing the connection of somebody who can write, on a full disk, removes the file written ahead
        frozen = catalog_state(path) if connection.can_write else seen
    if not db.table("catalogue").count:
        raise sqlite3.DatabaseError("it holds nothing")
    return db, frozen


def _may_pass(error: sqlite3.Error, connection: Connection | None, path: Path) -> bool:
    """Whether a run that was just beginning or ending explains an error, such as that a reader cannot write."""
    if connection is None or connection.can_write:
        return False
    is_written = connection.frozen is not None and catalog_state(path) != connection.frozen
    return is_written or getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY


def explain(path: Path, error: sqlite3.Error) -> IndexProblem:
    """Turns an SQLite error into words: what is wrong with the catalog, and what to do."""
    if isinstance(error, sqlite3.OperationalError):
        return IndexProblem(
            f"the index in {path.parent} could not be used ({error}): what was stored is safe; "
            "check its access rights and free disk space, and run the command again"
        )
    return IndexDamaged(
        f"{path} cannot be read as an index ({error}): "
        f"move {path.parent} away and run `vifi index` on your folders again"
    )


def now() -> str:
    """The present time in the catalog's format."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise IndexProblem(
            f"you may not read the index in {path.parent}: ask its owner for the right to read that folder, "
            "or set VIFI_HOME to one of your own"
        ) from error
    return True


def _apply_steps(db: Database, path: Path) -> bool:
    """Updates the schema; False where the disk is full or failing."""
    try:
        migrations.apply(db)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in CANNOT_WRITE:
            return False
        if _lacks_steps(db, path):  # otherwise another process has just applied them
            raise
    return True


def _updated_copy(db: Database) -> Database:
    """A copy of a catalog that cannot be written, with the present schema, only to be read; SQLite removes its file."""
    copy = Database(sqlite3.connect(""))
    db.conn.backup(copy.conn)
    db.close()
    migrations.apply(copy)
    copy.execute("PRAGMA query_only = ON")  # nobody must believe that they have stored something
    return copy


def _lacks_steps(db: Database, path: Path) -> bool:
    """Whether the schema is older than this version's; raises IndexDamaged if it is newer."""
    applied = {migration.name for migration in migrations.applied(db)}
    if not applied <= set(MIGRATION_NAMES):
        db.close()
        raise IndexDamaged(f"{path} was made by a newer vifi: upgrade this one with `pip install -U vifi`")
    return applied != set(MIGRATION_NAMES)
