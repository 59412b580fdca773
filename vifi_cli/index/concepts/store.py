"""The concepts of an index, in a database beside its folder, where no rebuild touches them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.opening import now
from vifi_cli.index.catalog.rows import decode_path, encode_path
from vifi_cli.index.concepts.concept import Concept, LearnedQuery, Mark
from vifi_cli.index.concepts.database import concepts_file, reading, writing
from vifi_cli.index.concepts.learned_facts import facts_of, learned_of
from vifi_cli.index.concepts.names import check_name, key_of, no_such_concept

SAME_SECONDS = 0.0005
"""Moments whose ends differ by less are the same one: addresses name moments to the millisecond."""

_COLUMNS = "id, name, description, revision, learned_revision, vision_fingerprint, embedding, facts"


class ConceptStore:
    """The concepts of one index. The file is opened for each use, so any thread may use a store.

    Each method raises IndexProblem if the file cannot be used, and those that change something only return when it is
    stored.
    """

    def __init__(self, index_folder: Path) -> None:
        """Opens nothing, and writes nothing before the first concept is added."""
        self._index_folder, self.path = index_folder, concepts_file(index_folder)

    def names(self) -> list[str]:
        """The names of all concepts, in alphabetical order."""
        with reading(self.path) as db:
            return _names(db) if db else []

    def all(self) -> list[Concept]:
        """All concepts, in alphabetical order."""
        with reading(self.path) as db:
            return [_concept_of(db, row) for row in _rows(db, "ORDER BY key")] if db else []

    def faults(self) -> list[str]:
        """The faults that SQLite finds in the file."""
        with reading(self.path) as db:
            rows = db.execute("PRAGMA quick_check").fetchall() if db else []
            return [row[0] for row in rows if row[0] != "ok"]

    def find(self, name: str) -> Concept | None:
        """The concept of a name, in upper or lower case; None if there is none."""
        with reading(self.path) as db:
            rows = _rows(db, "WHERE key = ?", key_of(name)) if db else []
            return _concept_of(db, rows[0]) if db and rows else None

    def get(self, name: str) -> Concept:
        """The concept of a name; raises InvalidInput if there is none."""
        concept = self.find(name)
        if concept is None:
            raise no_such_concept(name, self.names())
        return concept

    def add(self, name: str, description: str) -> Concept:
        """A new concept without marks; raises InvalidInput if the name is taken or cannot be one."""
        name = check_name(name)
        with writing(self._index_folder) as db:
            _insert(db, name, description)
        return Concept(name, description)

    def put(self, concepts: Iterable[Concept], *, replace: bool = False) -> None:
        """Stores concepts with their marks and what was learned, perhaps in place of those of the same names.

        Raises:
            InvalidInput: a name is taken or cannot be one; nothing is stored.
        """
        with writing(self._index_folder) as db:
            for concept in concepts:
                if replace:
                    db.execute("DELETE FROM concepts WHERE key = ?", (key_of(concept.name),))
                concept_id = _insert(db, check_name(concept.name), concept.description)
                for mark in concept.marks:
                    _put_mark(db, concept_id, mark)
                _keep_learned(db, concept_id, concept.learned)

    def mark(self, name: str, *marks: Mark) -> None:
        """Adds marks, each in place of earlier ones of about the same moment; all of them are stored, or none."""
        with writing(self._index_folder) as db:
            concept_id = _id(db, name)
            for mark in marks:
                for earlier in _marks(db, concept_id):
                    if earlier.is_about(mark, mark.start_seconds, mark.end_seconds):
                        _delete_mark(db, concept_id, earlier)
                _put_mark(db, concept_id, mark)
            _count_change(db, concept_id)

    def unmark(self, name: str, *marks: Mark) -> None:
        """Removes the marks of these moments."""
        with writing(self._index_folder) as db:
            concept_id = _id(db, name)
            for mark in marks:
                _delete_mark(db, concept_id, mark)
            _count_change(db, concept_id)

    def describe(self, name: str, description: str) -> None:
        """Gives a concept another description; its marks stay."""
        with writing(self._index_folder) as db:
            concept_id = _id(db, name)
            db.execute("UPDATE concepts SET description = ? WHERE id = ?", (description, concept_id))
            _count_change(db, concept_id)

    def keep_learned(self, concept: Concept, learned: LearnedQuery | None) -> None:
        """Keeps what was learned from a concept as it was read, unless its marks have changed since."""
        with writing(self._index_folder) as db:
            rows = _rows(db, "WHERE key = ? AND revision = ?", key_of(concept.name), concept.revision)
            for concept_id, *_ in rows:
                _keep_learned(db, concept_id, learned)

    def rename(self, name: str, new_name: str) -> None:
        """Gives a concept another name; raises InvalidInput if that is taken or cannot be one."""
        new_name = check_name(new_name)
        with writing(self._index_folder) as db:
            concept_id = _id(db, name)
            if key_of(new_name) != key_of(name):
                _check_free(db, new_name)
            db.execute(
                "UPDATE concepts SET name = ?, key = ? WHERE id = ?", (new_name, key_of(new_name), concept_id)
            )

    def delete(self, name: str) -> None:
        """Removes a concept with its marks."""
        with writing(self._index_folder) as db:
            db.execute("DELETE FROM concepts WHERE id = ?", (_id(db, name),))


def _rows(db: Database, condition: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of concepts that meet a condition."""
    return db.execute(f"SELECT {_COLUMNS} FROM concepts {condition}", values).fetchall()


def _names(db: Database) -> list[str]:
    return [row[1] for row in _rows(db, "ORDER BY key")]


def _concept_of(db: Database, row: tuple[Any, ...]) -> Concept:
    concept_id, name, description, revision, learned_revision, *learned = row
    return Concept(
        name,
        description,
        _marks(db, concept_id),
        learned_of(*learned),
        revision,
        is_stale=learned_revision != revision,
    )


def _marks(db: Database, concept_id: int) -> tuple[Mark, ...]:
    rows = db.execute(
        "SELECT path, start_seconds, end_seconds, is_right, fingerprint FROM marks WHERE concept_id = ? ORDER BY id",
        (concept_id,),
    )
    return tuple(
        Mark(decode_path(path), start, end, bool(is_right), fingerprint)
        for path, start, end, is_right, fingerprint in rows
    )


def _id(db: Database, name: str) -> int:
    rows = _rows(db, "WHERE key = ?", key_of(name))
    if not rows:
        raise no_such_concept(name, _names(db))
    return int(rows[0][0])


def _check_free(db: Database, name: str) -> None:
    if _rows(db, "WHERE key = ?", key_of(name)):
        raise InvalidInput(f"a concept is already called @{name}: choose another name")


def _insert(db: Database, name: str, description: str) -> int:
    _check_free(db, name)
    added = db.execute(
        "INSERT INTO concepts (name, key, description, created_at) VALUES (?, ?, ?, ?)",
        (name, key_of(name), description, now()),
    )
    assert added.lastrowid is not None
    return added.lastrowid


def _put_mark(db: Database, concept_id: int, mark: Mark) -> None:
    _delete_mark(db, concept_id, mark)
    place = encode_path(mark.path), mark.start_seconds, mark.end_seconds
    db.execute(
        "INSERT INTO marks (concept_id, path, start_seconds, end_seconds, is_right, fingerprint, marked_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (concept_id, *place, mark.is_right, mark.fingerprint, now()),
    )


def _delete_mark(db: Database, concept_id: int, mark: Mark) -> None:
    """Removes the mark of the same moment, wherever its video was then; without fingerprint, its path names it."""
    db.execute(
        "DELETE FROM marks WHERE concept_id = ? AND fingerprint = ? AND (fingerprint != '' OR path = ?) "
        "AND abs(start_seconds - ?) < ? AND abs(end_seconds - ?) < ?",
        (
            *(concept_id, mark.fingerprint, encode_path(mark.path)),
            *(mark.start_seconds, SAME_SECONDS, mark.end_seconds, SAME_SECONDS),
        ),
    )


def _count_change(db: Database, concept_id: int) -> None:
    """Notes that the marks of a concept have changed, so that what was learned from them is out of date."""
    db.execute("UPDATE concepts SET revision = revision + 1 WHERE id = ?", (concept_id,))


def _keep_learned(db: Database, concept_id: int, learned: LearnedQuery | None) -> None:
    values = (None, None, None) if learned is None else facts_of(learned)
    db.execute(
        "UPDATE concepts SET learned_revision = revision, vision_fingerprint = ?, embedding = ?, facts = ? "
        "WHERE id = ?",
        (*values, concept_id),
    )
