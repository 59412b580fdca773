"""Embeddings of texts that were embedded before, mostly queries, so that asking again needs no encoder."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from vifi_cli import paths
from vifi_cli.disk import access_rights
from vifi_cli.disk.file_version import file_version
from vifi_cli.disk.replacement import remove_with_companions
from vifi_cli.errors import InvalidInput
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.connection import beside, has_content, read_address
from vifi_cli.index.encoder import TextEncoder

CACHE_FILE = "queries.sqlite3"
MOST_QUERIES = 10_000
BATCH = 64
PATIENCE_SECONDS = 1.0
"""How long to wait for another process that uses the cache; embedding a text takes no longer."""

LENGTH_TOLERANCE = 0.01
"""How far from 1 the length of an embedding may be."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_QUOTED_CHARACTERS = 60  # of a text, in a message


def cached_text_embeddings(
    folder: Path,
    text_fingerprint: str,
    texts: Sequence[str],
    load_encoder: Callable[[], TextEncoder],
    *,
    dimension: int | None = None,
) -> Float32Array:
    """The embeddings float32 (N, D) of at least one text, from the cache in `folder` where they are known.

    Embeddings of encoders with different fingerprints never mix. `load_encoder` is called only if a text is new.
    `dimension` is that of the index, if there is one.

    Raises:
        InvalidInput: the encoder cannot embed a text; nothing is cached.
    """
    found = _look_up(folder / CACHE_FILE, text_fingerprint, texts)
    known = {text: vector for text, vector in found.items() if _is_embedding(vector, dimension)}
    # those of like length together, so that batches carry little padding
    new = sorted(set(texts) - known.keys(), key=len)
    if new:
        encoder = load_encoder()
        batches = [new[start : start + BATCH] for start in range(0, len(new), BATCH)]
        embedded = np.concatenate([encoder.encode_texts(batch) for batch in batches])
        _require_embeddings(encoder.model_name, new, embedded, dimension)
        known |= dict(zip(new, embedded, strict=True))
        _remember(folder / CACHE_FILE, text_fingerprint, {text: known[text] for text in new})
    return np.stack([known[text] for text in texts])


def _is_embedding(vector: Float32Array, dimension: int | None) -> bool:
    """Whether numbers are an embedding: finite, of length 1, or 0 for a text that says nothing to the encoder."""
    if not len(vector) or (dimension is not None and len(vector) != dimension):
        return False
    with np.errstate(all="ignore"):
        length = float(np.linalg.norm(vector))  # NaN, or infinite, if one of the numbers is
    return length == 0 or abs(length - 1) <= LENGTH_TOLERANCE


def _require_embeddings(
    model: str, texts: Sequence[str], embeddings: Float32Array, dimension: int | None
) -> None:
    for text, vector in zip(texts, embeddings, strict=True):
        if not _is_embedding(vector, dimension):
            shown = text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}…"
            raise InvalidInput(
                f"{model} returns no embedding of “{shown}” that can be compared with this index: use other words, "
                "or another model with --model"
            )


def _look_up(path: Path, text_fingerprint: str, texts: Sequence[str]) -> dict[str, Float32Array]:
    """What the cache holds about texts, unchecked; nothing where it cannot be read now."""
    try:
        if not path.exists():
            return {}
        with closing(_open(path)) as db:
            return _rows(db.conn, text_fingerprint, texts)
    except OSError:
        return {}
    except sqlite3.DatabaseError as error:
        if _code(error) == sqlite3.SQLITE_BUSY:
            return _look_up_locked(path, text_fingerprint, texts)
        _remove_if_damaged(path, error)
        return {}


def _look_up_locked(path: Path, text_fingerprint: str, texts: Sequence[str]) -> dict[str, Float32Array]:
    """The same while another process holds a lock; nothing if it may just be writing, which needs a journal."""
    with suppress(OSError, sqlite3.DatabaseError):
        before, journal = file_version(path), beside(path, "-journal")
        if has_content(journal):
            return {}
        with closing(sqlite3.connect(read_address(path, "immutable=1"), uri=True)) as connection:
            found = _rows(connection, text_fingerprint, texts)
        if file_version(path) == before and not has_content(journal):
            return found
    return {}


def _rows(
    connection: sqlite3.Connection, text_fingerprint: str, texts: Sequence[str]
) -> dict[str, Float32Array]:
    rows = connection.execute(
        "SELECT query, embedding FROM queries WHERE text_fingerprint = ? "
        "AND query IN (SELECT value FROM json_each(?))",  # any number of texts, as one parameter
        (text_fingerprint, json.dumps(texts)),
    )
    return {text: _vector(stored) for text, stored in rows}


def _vector(stored: object) -> Float32Array:
    """A stored embedding; empty if it is not even made of numbers."""
    if not isinstance(stored, bytes) or len(stored) % 4:
        return np.empty(0, np.float32)
    return np.frombuffer(stored, "<f4").astype(np.float32)


def _remember(path: Path, text_fingerprint: str, embeddings: dict[str, Float32Array]) -> None:
    """Adds texts and drops the oldest; where the disk is full or read-only, nothing is cached."""
    rows = [(text_fingerprint, text, vector.astype("<f4").tobytes()) for text, vector in embeddings.items()]
    try:
        paths.make_own_folder(path.parent)
        access_rights.create_file(path)
        with closing(_open(path)) as db, db.atomic():
            db.execute(
                "CREATE TABLE IF NOT EXISTS queries (id INTEGER PRIMARY KEY, text_fingerprint TEXT NOT NULL, "
                "query TEXT NOT NULL, embedding BLOB NOT NULL, UNIQUE (text_fingerprint, query))"
            )
            db.conn.executemany(
                "INSERT OR REPLACE INTO queries (text_fingerprint, query, embedding) VALUES (?, ?, ?)", rows
            )
            db.execute("DELETE FROM queries WHERE id <= (SELECT max(id) FROM queries) - ?", (MOST_QUERIES,))
    except OSError:
        return
    except sqlite3.DatabaseError as error:
        _remove_if_damaged(path, error)


def _remove_if_damaged(path: Path, error: sqlite3.DatabaseError) -> None:
    """Removes a cache that nobody can read any more; one that is locked, or on a failing or full disk, stays."""
    if _code(error) in _DAMAGED:
        with suppress(OSError):
            remove_with_companions(path)


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _open(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS)
    # no search waits for the disk; a damaged cache is made again
    connection.execute("PRAGMA synchronous = OFF")
    return Database(connection)
