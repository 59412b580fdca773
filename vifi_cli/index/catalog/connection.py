"""Connections to a catalog, for whoever may write to it or only read it, on the file system that it is on.

SQLite writes ahead (WAL): changes go to a file beside the catalog, so that searches go on while an index run writes.
This needs memory that processes share, and cannot work between machines. There, SQLite keeps a rollback journal.

Who cannot write reads through the write-ahead file too. Without that file SQLite opens such a catalog only as one that
never changes. It is then `frozen`, and its user has to see for itself whether it still is as it was.
"""

import os
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vifi_cli.disk.file_version import FileVersion, file_version
from vifi_cli.disk.mounts import mount_of, shares_memory
from vifi_cli.errors import IndexProblem

BUSY_SECONDS = 120.0
"""Longer than any search reads: beside a rollback journal, the next change waits for it."""

LEAVING_SECONDS = 1.0
ATTEMPTS, PAUSE_SECONDS = 5, 0.05
_NO_SHARED_MEMORY = {sqlite3.SQLITE_IOERR_SHMLOCK, sqlite3.SQLITE_IOERR_SHMMAP}
CANNOT_WRITE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}

CatalogState = tuple[FileVersion | None, FileVersion | None]
"""Of a catalog and its write-ahead file."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An open catalog; `frozen` is the state that it was opened in, if SQLite will not see any later one."""

    sqlite: sqlite3.Connection
    can_write: bool = False
    frozen: CatalogState | None = None


def connect(path: Path) -> Connection:
    """Opens a catalog: to write where this is allowed and possible, otherwise to read.

    Raises:
        IndexProblem: it can be used only in a way that shows an old state or damages it.
        sqlite3.Error: it cannot be opened.
    """
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return _to_read(path)
    try:
        return Connection(_to_write(path), can_write=True)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in CANNOT_WRITE:
            raise
        try:
            return _to_read(path)  # on a full disk, SQLite has no room even for what it keeps while it reads
        except (IndexProblem, sqlite3.Error):
            raise error from None


def catalog_state(path: Path) -> CatalogState:
    """The present state of a catalog and its write-ahead file, as far as the file system shows it."""
    return file_version(path), file_version(beside(path, "-wal"))


def _to_write(path: Path) -> sqlite3.Connection:
    mount = mount_of(path.parent)
    if mount and mount.ignored_locks:
        raise IndexProblem(
            f"{path.parent} is on a network share mounted with `{mount.ignored_locks}`, where two machines could "
            "damage the index: mount it without that option, or set VIFI_HOME to a folder on a local disk"
        )
    may_share_memory = not (mount and mount.machines_share)
    connection = _open(path, BUSY_SECONDS)
    try:
        is_wal = _journal_mode(connection) == "wal"
        if is_wal and not may_share_memory:
            connection.close()
            return _leave_wal(path)
        if not is_wal and may_share_memory and shares_memory(path.parent):
            _enter_wal(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode not in _NO_SHARED_MEMORY:
            raise
        return _leave_wal(path)
    return connection


def _enter_wal(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA busy_timeout = 0")
    with suppress(sqlite3.OperationalError):  # it is in use, as it is
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def _leave_wal(path: Path) -> sqlite3.Connection:
    """Moves the changes in the write-ahead file into the catalog, which gets a rollback journal from then on."""
    connection = _open(path, LEAVING_SECONDS)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # needs no shared memory
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA locking_mode = NORMAL")
        connection.execute("SELECT count(*) FROM sqlite_master")  # gives the lock back
        with suppress(OSError):
            beside(path, "-shm").unlink(missing_ok=True)
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        raise IndexProblem(
            f"the index in {path.parent} is on a file system that needs another kind of journal, and another vifi has "
            "it open: end that one, and run the command again"
        ) from error
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
    return connection


def _to_read(path: Path) -> Connection:
    for _ in range(ATTEMPTS):
        state, journals = catalog_state(path), [beside(path, "-wal"), beside(path, "-journal")]
        # In a folder that it can write to, SQLite would leave files of this user that lock the owner out.
        if not os.access(path.parent, os.W_OK) or any(journal.exists() for journal in journals):
            with suppress(sqlite3.OperationalError):
                return Connection(_checked(read_address(path, "readonly_shm=1")))
        if not any(map(has_content, journals)):
            connection = _checked(read_address(path, "immutable=1"))
            if catalog_state(path) == state:
                return Connection(connection, frozen=state)
            connection.close()
        time.sleep(PAUSE_SECONDS)  # an index run may just begin or end
    raise IndexProblem(
        f"the last changes of the index in {path.parent} are still in a file of their own, which you cannot read: "
        "ask the owner of the index to run `vifi status`, or to let you read all of its files"
    )


def _open(path: Path, timeout_seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout_seconds)


def _checked(address: str) -> sqlite3.Connection:
    """A connection that can read, which SQLite finds out only when it does."""
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _journal_mode(connection: sqlite3.Connection) -> str:
    mode: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
    return mode


def read_address(path: Path, option: str) -> str:
    """The address by which SQLite opens a file only to read."""
    return f"file:{quote(os.fsencode(path))}?mode=ro&{option}"


def beside(path: Path, end: str) -> Path:
    """The file that SQLite keeps beside a database."""
    return path.with_name(f"{path.name}{end}")


def has_content(path: Path) -> bool:
    """Whether a journal holds changes; SQLite also keeps empty ones."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
