from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.color_encoder import ColorEncoder
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
    import sqlite3

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
