"""The concepts of an index, in a database beside its folder, where no rebuild touches them."""

import json
import re
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
from sqlite_utils import Database

from vifi_cli import paths
from vifi_cli.disk import access_rights
from vifi_cli.errors import IndexProblem, InvalidInput
from vifi_cli.index.catalog.opening import now
from vifi_cli.index.catalog.rows import decode_path, encode_path
from vifi_cli.index.concepts.concept import Concept, CrossValidation, LearnedQuery, Mark

NAME = re.compile(r"\w[\w-]{0,63}")
PATIENCE_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS concepts (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
    created_at TEXT NOT NULL,
    vision_fingerprint TEXT, embedding BLOB, form TEXT, validation TEXT
);
CREATE TABLE IF NOT EXISTS marks (
    id INTEGER PRIMARY KEY, concept_id INTEGER NOT NULL REFERENCES concepts(id) ON DELETE CASCADE,
    path BLOB NOT NULL, start_seconds REAL NOT NULL, end_seconds REAL NOT NULL, is_right INTEGER NOT NULL,
    fingerprint TEXT NOT NULL, marked_at TEXT NOT NULL, UNIQUE (concept_id, path, start_seconds, end_seconds)
);
"""


def concepts_file(index_folder: Path) -> Path:
    """Where the concepts of an index are kept: beside its folder, which a rebuild replaces."""
    return index_folder.with_name(f"{index_folder.name}-concepts.sqlite3")


def check_name(name: str) -> str:
    """The name of a concept, if it can be one; raises InvalidInput otherwise."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot name a concept: use letters, digits, - and _, beginning with a letter or digit"
        )
    return name


class ConceptStore:
    """The concepts of one index. Use as a context manager; connections belong to one thread."""

    def __init__(self, index_folder: Path) -> None:
        """Opens the concepts of an index; nothing is written before the first one is taught."""
        self.path = concepts_file(index_folder)
        self._db: Database | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database; the next use opens it again."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def names(self) -> list[str]:
        """The names of all concepts, in alphabetical order."""
        return [name for (name,) in self._rows("SELECT name FROM concepts ORDER BY key")]

    def find(self, name: str) -> Concept | None:
        """The concept of a name, in upper or lower case; None if there is none."""
        rows = self._rows(
            "SELECT id, name, description, vision_fingerprint, embedding, form, validation FROM concepts "
            "WHERE key = ?",
            (name.casefold(),),
        )
        for concept_id, known_as, description, *learned in rows:
            return Concept(known_as, description, self._marks(concept_id), _learned(*learned))
        return None

    def get(self, name: str) -> Concept:
        """The concept of a name; raises InvalidInput if there is none."""
        concept = self.find(name)
        if concept is None:
            raise InvalidInput(
                f"no concept is called {name}: `vifi concepts` lists yours, and `text:@{name}` searches for the words"
            )
        return concept

    def add(self, name: str, description: str) -> Concept:
        """A new concept without marks; raises InvalidInput if the name is taken or cannot be one."""
        check_name(name)
        if self.find(name):
            raise InvalidInput(f"a concept is already called {name}: choose another name")
        with self._transaction() as db:
            db.execute(
                "INSERT INTO concepts (name, key, description, created_at) VALUES (?, ?, ?, ?)",
                (name, name.casefold(), description, now()),
            )
        return self.get(name)

    def mark(self, name: str, mark: Mark) -> None:
        """Adds a mark, in place of an earlier one of the same moment."""
        concept_id = self._id(name)
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO marks "
                "(concept_id, path, start_seconds, end_seconds, is_right, fingerprint, marked_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    concept_id,
                    encode_path(mark.path),
                    mark.start_seconds,
                    mark.end_seconds,
                    mark.is_right,
                    mark.fingerprint,
                    now(),
                ),
            )

    def unmark(self, name: str, mark: Mark) -> None:
        """Removes the mark of a moment."""
        concept_id = self._id(name)
        with self._transaction() as db:
            db.execute(
                "DELETE FROM marks WHERE concept_id = ? AND path = ? AND start_seconds = ? AND end_seconds = ?",
                (concept_id, encode_path(mark.path), mark.start_seconds, mark.end_seconds),
            )

    def keep_learned(self, name: str, learned: LearnedQuery | None) -> None:
        """Keeps what was learned from the present marks."""
        values = (None,) * 4 if learned is None else _learned_values(learned)
        concept_id = self._id(name)
        with self._transaction() as db:
            db.execute(
                "UPDATE concepts SET vision_fingerprint = ?, embedding = ?, form = ?, validation = ? WHERE id = ?",
                (*values, concept_id),
            )

    def rename(self, name: str, new_name: str) -> None:
        """Gives a concept another name; raises InvalidInput if that is taken or cannot be one."""
        concept_id = self._id(name)
        check_name(new_name)
        if new_name.casefold() != name.casefold() and self.find(new_name):
            raise InvalidInput(f"a concept is already called {new_name}: choose another name")
        with self._transaction() as db:
            db.execute(
                "UPDATE concepts SET name = ?, key = ? WHERE id = ?",
                (new_name, new_name.casefold(), concept_id),
            )

    def delete(self, name: str) -> None:
        """Removes a concept with its marks."""
        concept_id = self._id(name)
        with self._transaction() as db:
            db.execute("DELETE FROM concepts WHERE id = ?", (concept_id,))

    def _id(self, name: str) -> int:
        self.get(name)
        ((concept_id,),) = self._rows("SELECT id FROM concepts WHERE key = ?", (name.casefold(),))
        return int(concept_id)

    def _marks(self, concept_id: int) -> tuple[Mark, ...]:
        rows = self._rows(
            "SELECT path, start_seconds, end_seconds, is_right, fingerprint FROM marks WHERE concept_id = ? "
            "ORDER BY id",
            (concept_id,),
        )
        return tuple(
            Mark(decode_path(path), start, end, bool(is_right), fingerprint)
            for path, start, end, is_right, fingerprint in rows
        )

    def _rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        if self._db is None and not self.path.exists():
            return []
        try:
            return list(self._open().execute(statement, values))
        except sqlite3.DatabaseError as error:
            raise self._explained(error) from error

    @contextmanager
    def _transaction(self) -> Generator[Database]:
        try:
            db = self._open()
            with db.atomic():
                yield db
        except (sqlite3.DatabaseError, OSError) as error:
            raise self._explained(error) from error

    def _open(self) -> Database:
        if self._db is None:
            paths.make_own_folder(self.path.parent)
            access_rights.create_file(self.path)
            self._db = Database(sqlite3.connect(self.path, timeout=PATIENCE_SECONDS))
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.conn.executescript(_SCHEMA)
        return self._db

    def _explained(self, error: Exception) -> IndexProblem:
        return IndexProblem(
            f"the concepts in {self.path} could not be used ({error}): check its access rights and free disk space"
        )


def _learned_values(learned: LearnedQuery) -> tuple[str, bytes, str, str | None]:
    validation = None if learned.validation is None else json.dumps(asdict(learned.validation))
    return learned.vision_fingerprint, learned.embedding.astype("<f4").tobytes(), learned.form, validation


def _learned(
    fingerprint: str | None, embedding: bytes, form: str, validation: str | None
) -> LearnedQuery | None:
    if fingerprint is None:
        return None
    vector = np.frombuffer(embedding, "<f4").astype(np.float32)
    tested = None if validation is None else CrossValidation(**json.loads(validation))
    return LearnedQuery(fingerprint, vector, form, tested)
