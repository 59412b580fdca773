"""Embeddings of queries asked before, so that asking again needs no encoder."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlite_utils import Database

from vifi_cli.index.encoder import TextEncoder

CACHE_FILE = "queries.sqlite3"
MOST_QUERIES = 10_000


def cached_query_embedding(
    folder: Path, text_fingerprint: str, query: str, load_encoder: Callable[[], TextEncoder]
) -> npt.NDArray[np.float32]:
    """The embedding float32 (D,) of a query, from the cache if it was asked before.

    Args:
        folder: where the cache lies; made if missing.
        text_fingerprint: of the encoder; embeddings of two encoders never mix.
        query: the text.
        load_encoder: called only if the query is new.
    """
    known = _look_up(folder / CACHE_FILE, text_fingerprint, query)
    if known is not None:
        return known
    embedding: npt.NDArray[np.float32] = load_encoder().encode_texts([query])[0]
    _remember(folder / CACHE_FILE, text_fingerprint, query, embedding)
    return embedding


def _look_up(path: Path, text_fingerprint: str, query: str) -> npt.NDArray[np.float32] | None:
    if not path.exists():
        return None
    try:
        with closing(_open(path)) as db:
            statement = "SELECT embedding FROM queries WHERE text_fingerprint = ? AND query = ?"
            row = db.execute(statement, (text_fingerprint, query)).fetchone()
    except sqlite3.DatabaseError:  # a damaged cache is no cache
        with suppress(OSError):
            path.unlink()
        return None
    return None if row is None else np.frombuffer(row[0], "<f4").astype(np.float32)


def _remember(path: Path, text_fingerprint: str, query: str, embedding: npt.NDArray[np.float32]) -> None:
    """Adds a query and drops the oldest; a full or read-only disk only costs the cache."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_open(path)) as db, db.atomic():
            db.execute(
                "CREATE TABLE IF NOT EXISTS queries (id INTEGER PRIMARY KEY, text_fingerprint TEXT NOT NULL, "
                "query TEXT NOT NULL, embedding BLOB NOT NULL, UNIQUE (text_fingerprint, query))"
            )
            db.execute(
                "INSERT OR REPLACE INTO queries (text_fingerprint, query, embedding) VALUES (?, ?, ?)",
                (text_fingerprint, query, embedding.astype("<f4").tobytes()),
            )
            db.execute("DELETE FROM queries WHERE id <= (SELECT max(id) FROM queries) - ?", (MOST_QUERIES,))
    except (OSError, sqlite3.DatabaseError):
        return


def _open(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=5.0)
    connection.execute(
        "PRAGMA synchronous = OFF"
    )  # no search waits for the disk; what is damaged is made again
    return Database(connection)
