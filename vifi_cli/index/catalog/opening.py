"""The catalog as a file: creating it, opening it to write or only to read, and explaining its errors."""

import os
import secrets
import sqlite3
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlite_utils import Database

from vifi_cli.errors import IndexDamaged, IndexMissing, IndexProblem
from vifi_cli.index.catalog.migrations import MIGRATION_NAMES, migrations
from vifi_cli.index.catalog.records import IndexedWith

BUSY_SECONDS = 30.0


def create_catalog_file(path: Path, indexed_with: IndexedWith) -> None:
    """Makes a new, empty catalog, which appears under its name only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    # SQLite would read leftovers of a killed process beside an earlier catalog into the new one.
    for leftover in (unfinished, f"{unfinished}-journal", f"{path}-wal", f"{path}-shm"):
        Path(leftover).unlink(missing_ok=True)
    db = Database(sqlite3.connect(unfinished))
    db.execute("PRAGMA page_size = 16384")  # embeddings of one second fill a 4 KiB page badly
    migrations.apply(db)
    signature = {field.name: getattr(indexed_with, field.name) for field in fields(IndexedWith)}
    db.table("catalogue").insert(
        {"id": 1, "generation": 0, "revision": secrets.token_hex(8), "created_at": now(), **signature}
    )
    db.close()
    unfinished.replace(path)


def open_catalog_file(path: Path) -> Database:
    """Opens a catalog and updates its schema; opens it only for reading where it cannot be written.

    Raises:
        IndexMissing: the file does not exist.
        IndexDamaged: it is not a catalog, or a newer vifi made it.
        IndexProblem: it cannot be opened now.
    """
    if not path.exists():
        raise IndexMissing("nothing is indexed yet: run `vifi index FOLDER` first")
    db = None
    try:
        db = _connect(path)
        _bring_schema_up_to_date(db, path)
        if not db.table("catalogue").count:
            raise sqlite3.DatabaseError("it holds nothing")
    except sqlite3.Error as error:
        if db:
            db.close()
        raise explain(path, error) from error
    return db


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


def _connect(path: Path) -> Database:
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
        connection.execute("PRAGMA foreign_keys = ON")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")  # searches go on while an index run writes
        return Database(connection)
    # Without the right to write, SQLite could not keep its own notes beside the file either.
    address = f"file:{quote(os.fsencode(path))}?immutable=1"
    return Database(sqlite3.connect(address, uri=True))


def _bring_schema_up_to_date(db: Database, path: Path) -> None:
    applied = {migration.name for migration in migrations.applied(db)}
    if not applied <= set(MIGRATION_NAMES):
        db.close()
        raise IndexDamaged(f"{path} was made by a newer vifi: upgrade this one with `pip install -U vifi`")
    if applied != set(MIGRATION_NAMES):
        migrations.apply(db)
