import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.color_encoder import ColorEncoder
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.query_cache import (
    CACHE_FILE,
    MOST_QUERIES,
    cached_text_embeddings,
)


def no_encoder() -> ColorEncoder:
    raise AssertionError("the query was asked before")


def test_a_query_is_encoded_once(tmp_path: Path) -> None:
    first = cached_text_embeddings(tmp_path, "print", ["red"], ColorEncoder)
    again = cached_text_embeddings(tmp_path, "print", ["red"], no_encoder)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, ColorEncoder().encode_texts(["red"]))


def test_of_many_texts_only_new_ones_are_encoded(tmp_path: Path) -> None:
    class Counting(ColorEncoder):
        def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
            encoded.extend(texts)
            return super().encode_texts(texts)

    encoded: list[str] = []
    cached_text_embeddings(tmp_path, "print", ["blue"], Counting)
    texts = ["a red thing", "blue", "green", "a red thing"]
    embeddings = cached_text_embeddings(tmp_path, "print", texts, Counting)
    assert encoded == ["blue", "green", "a red thing"]
    np.testing.assert_array_equal(embeddings, ColorEncoder().encode_texts(texts))


def test_more_texts_than_sqlite_takes_at_once(tmp_path: Path) -> None:
    texts = [f"{number} red" if number % 2 else f"{number} blue" for number in range(1801)]
    cached_text_embeddings(tmp_path, "print", texts, ColorEncoder)
    again = cached_text_embeddings(tmp_path, "print", texts, no_encoder)
    np.testing.assert_array_equal(again, ColorEncoder().encode_texts(texts))


def test_encoders_do_not_share_embeddings(tmp_path: Path) -> None:
    calls = []

    def load() -> ColorEncoder:
        calls.append(1)
        return ColorEncoder()

    cached_text_embeddings(tmp_path, "one", ["red"], load)
    cached_text_embeddings(tmp_path, "two", ["red"], load)
    assert len(calls) == 2


def test_a_damaged_cache_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / CACHE_FILE).write_bytes(b"garbage" * 1000)
    cached_text_embeddings(tmp_path, "print", ["red"], ColorEncoder)
    cached_text_embeddings(tmp_path, "print", ["red"], no_encoder)


def test_a_cache_that_cannot_be_written_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    embeddings = cached_text_embeddings(tmp_path / "file", "print", ["red"], ColorEncoder)
    assert embeddings.shape == (1, 3)


def test_the_oldest_queries_are_dropped(tmp_path: Path) -> None:
    cached_text_embeddings(tmp_path, "print", ["red"], ColorEncoder)
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        connection.execute("UPDATE queries SET id = 1")
        connection.execute("INSERT INTO queries VALUES (?, 'print', 'filler', x'00')", (MOST_QUERIES,))
    connection.close()
    cached_text_embeddings(tmp_path, "print", ["blue"], ColorEncoder)
    with sqlite3.connect(tmp_path / CACHE_FILE) as connection:
        queries = [row[0] for row in connection.execute("SELECT query FROM queries ORDER BY id")]
    connection.close()
    assert queries == ["filler", "blue"]


@pytest.mark.parametrize("mode", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_cache_that_somebody_else_is_using_is_kept(tmp_path: Path, mode: str) -> None:
    """A lock says nothing about its content: it is neither deleted nor made again."""
    texts = [f"{number} red" for number in range(50)]
    cached_text_embeddings(tmp_path, "print", texts, ColorEncoder)
    with closing(sqlite3.connect(tmp_path / CACHE_FILE, isolation_level=None)) as other:
        other.execute(f"BEGIN {mode}")
        found = cached_text_embeddings(tmp_path, "print", ["blue"], ColorEncoder)
        np.testing.assert_array_equal(found, ColorEncoder().encode_texts(["blue"]))
        assert other.execute("SELECT count(*) FROM queries").fetchone() == (50,)
    cached_text_embeddings(tmp_path, "print", texts, no_encoder)


def test_a_cache_that_is_locked_for_long_is_read(tmp_path: Path) -> None:
    """Searches would embed hundreds of texts again, of which relevance is measured."""
    cached_text_embeddings(tmp_path, "print", ["red"], ColorEncoder)
    with closing(sqlite3.connect(tmp_path / CACHE_FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        found = cached_text_embeddings(tmp_path, "print", ["red"], no_encoder)
        np.testing.assert_array_equal(found, ColorEncoder().encode_texts(["red"]))


def test_a_cache_that_is_just_written_is_not_read(tmp_path: Path) -> None:
    cached_text_embeddings(tmp_path, "print", [f"{number} red" for number in range(50)], ColorEncoder)
    with closing(sqlite3.connect(tmp_path / CACHE_FILE, isolation_level=None)) as other:
        other.execute("PRAGMA cache_size = 1")  # so that changes reach the file before they are final
        other.execute("BEGIN EXCLUSIVE")
        unfinished = ColorEncoder().encode_texts(["blue"]).astype("<f4").tobytes()
        other.execute("UPDATE queries SET embedding = ?, text_fingerprint = 'print' || 'ed'", (unfinished,))
        calls: list[int] = []

        def load() -> ColorEncoder:
            calls.append(1)
            return ColorEncoder()

        found = cached_text_embeddings(tmp_path, "printed", ["7 red"], load)
        other.execute("ROLLBACK")
    assert calls == [1]
    np.testing.assert_array_equal(found, ColorEncoder().encode_texts(["7 red"]))


def test_a_full_disk_costs_no_cached_query(tmp_path: Path, full_disk: None) -> None:
    cached_text_embeddings(tmp_path, "print", ["red"], ColorEncoder)
    texts = [f"{number} blue " + "x" * 1000 for number in range(200)]
    cached_text_embeddings(tmp_path, "print", texts, ColorEncoder)
    cached_text_embeddings(tmp_path, "print", ["red"], no_encoder)


@pytest.mark.parametrize("damaged_bytes", [slice(0, 100), slice(4096, 8192)])
def test_a_cache_that_is_damaged_is_made_again(tmp_path: Path, damaged_bytes: slice) -> None:
    texts = [f"{number} red" for number in range(500)]
    cached_text_embeddings(tmp_path, "print", texts, ColorEncoder)
    content = bytearray((tmp_path / CACHE_FILE).read_bytes())
    content[damaged_bytes] = b"\xff" * len(content[damaged_bytes])
    (tmp_path / CACHE_FILE).write_bytes(content)
    for _ in range(3):
        found = cached_text_embeddings(tmp_path, "print", texts, ColorEncoder)
        np.testing.assert_array_equal(found, ColorEncoder().encode_texts(texts))
    cached_text_embeddings(tmp_path, "print", texts, no_encoder)


class Broken(ColorEncoder):
    """Returns numbers that are not an embedding for one text."""

    def __init__(self, row: list[float]) -> None:
        super().__init__()
        self._row = row

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        rows = super().encode_texts(texts)
        return np.array([self._row if text == "odd" else row for text, row in zip(texts, rows, strict=True)])


@pytest.mark.parametrize(
    "row", [[np.nan] * 3, [1.0, np.nan, 0.0], [np.inf, 0, 0], [-np.inf, 0, 0], [3e38] * 3]
)
def test_what_is_no_embedding_is_refused_and_not_cached(tmp_path: Path, row: list[float]) -> None:
    with pytest.raises(InvalidInput, match="colors returns no embedding of “odd”"):
        cached_text_embeddings(tmp_path, "print", ["odd", "red"], lambda: Broken(row))
    cached_text_embeddings(tmp_path, "print", ["odd"], lambda: Broken([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(
        cached_text_embeddings(tmp_path, "print", ["odd"], no_encoder), [[1.0, 0.0, 0.0]]
    )


def test_an_encoder_of_another_dimension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can be compared with this index"):
        cached_text_embeddings(tmp_path, "print", ["red"], ColorEncoder, dimension=512)


@pytest.mark.parametrize(
    "stored",
    [
        np.full(3, np.nan, "<f4").tobytes(),
        np.array([np.inf, 0, 0], "<f4").tobytes(),
        np.full(3, 7, "<f4").tobytes(),
        np.array([1, 0], "<f4").tobytes(),
        b"",
        b"\x00",
        "text",
        1.5,
    ],
)
def test_a_cache_that_holds_nonsense_heals(tmp_path: Path, stored: object) -> None:
    cached_text_embeddings(tmp_path, "print", ["red", "blue"], ColorEncoder)
    with closing(sqlite3.connect(tmp_path / CACHE_FILE)) as connection, connection:
        connection.execute("UPDATE queries SET embedding = ? WHERE query = 'red'", (stored,))
    for load in (ColorEncoder, no_encoder):
        found = cached_text_embeddings(tmp_path, "print", ["red", "blue"], load, dimension=3)
        np.testing.assert_array_equal(found, ColorEncoder().encode_texts(["red", "blue"]))
