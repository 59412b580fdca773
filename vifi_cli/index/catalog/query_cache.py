"""Embeddings of texts that were embedded before, mostly queries, so that asking again needs no encoder."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.encoder import TextEncoder

CACHE_FILE = "queries.sqlite3"
MOST_QUERIES = 10_000
BATCH = 64


def cached_text_embeddings(
    folder: Path, text_fingerprint: str, texts: Sequence[str], load_encoder: Callable[[], TextEncoder]
) -> Float32Array:
    """The embeddings float32 (N, D) of at least one text, from the cache in `folder` where they are known.

    Embeddings of encoders with different fingerprints never mix. `load_encoder` is called only if a text is new.
    """
    known = _look_up(folder / CACHE_FILE, text_fingerprint, texts)
    # those of like length together, so that batches carry little padding
    new = sorted(set(texts) - known.keys(), key=len)
    if new:
        encoder = load_encoder()
        batches = [new[start : start + BATCH] for start in range(0, len(new), BATCH)]
        embedded = np.concatenate([encoder.encode_texts(batch) for batch in batches])
        known |= dict(zip(new, embedded, strict=True))
        _remember(folder / CACHE_FILE, text_fingerprint, {text: known[text] for text in new})
    return np.stack([known[text] for text in texts])


def _look_up(path: Path, text_fingerprint: str, texts: Sequence[str]) -> dict[str, Float32Array]:
    if not path.exists():
        return {}
    try:
        with closing(_open(path)) as db:
            rows = db.execute(
                "SELECT query, embedding FROM queries WHERE text_fingerprint = ? "
                "AND query IN (SELECT value FROM json_each(?))",  # any number of texts, as one parameter
                (text_fingerprint, json.dumps(texts)),
            )
            return {text: np.frombuffer(embedding, "<f4").astype(np.float32) for text, embedding in rows}
    except sqlite3.DatabaseError:  # damaged: it is only a cache
        with suppress(OSError):
            path.unlink()
        return {}


def _remember(path: Path, text_fingerprint: str, embeddings: dict[str, Float32Array]) -> None:
    """Adds texts and drops the oldest; where the disk is full or read-only, nothing is cached."""
    rows = [(text_fingerprint, text, vector.astype("<f4").tobytes()) for text, vector in embeddings.items()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_open(path)) as db, db.atomic():
            db.execute(
                "CREATE TABLE IF NOT EXISTS queries (id INTEGER PRIMARY KEY, text_fingerprint TEXT NOT NULL, "
                "query TEXT NOT NULL, embedding BLOB NOT NULL, UNIQUE (text_fingerprint, query))"
            )
            db.conn.executemany(
                "INSERT OR REPLACE INTO queries (text_fingerprint, query, embedding) VALUES (?, ?, ?)", rows
            )
            db.execute("DELETE FROM queries WHERE id <= (SELECT max(id) FROM queries) - ?", (MOST_QUERIES,))
    except (OSError, sqlite3.DatabaseError):
        return


def _open(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=5.0)
    # no search waits for the disk; a damaged cache is made again
    connection.execute("PRAGMA synchronous = OFF")
    return Database(connection)
