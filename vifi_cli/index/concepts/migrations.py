"""The schema of the concepts' database, as numbered steps that each run once in their own transaction."""

from sqlite_utils import Database, Migrations

migrations = Migrations("vifi-concepts")


@migrations()
def m001_concepts(db: Database) -> None:
    """The first schema. `key` is the name as it is compared; paths are BLOBs: the file system's own bytes.

    `revision` counts the changes of a concept's marks, and `learned_revision` is the one that the query was learned
    at. `embedding` holds little-endian float32 numbers (D,), and `facts` the rest of the learned query as JSON.
    """
    db.execute(
        """CREATE TABLE concepts (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            key TEXT NOT NULL UNIQUE,
            description TEXT NOT NULL,
            created_at TEXT NOT NULL,
            revision INTEGER NOT NULL DEFAULT 0,
            learned_revision INTEGER,
            vision_fingerprint TEXT,
            embedding BLOB,
            facts TEXT
        )"""
    )
    db.execute(
        """CREATE TABLE marks (
            id INTEGER PRIMARY KEY,
            concept_id INTEGER NOT NULL REFERENCES concepts (id) ON DELETE CASCADE,
            path BLOB NOT NULL,
            start_seconds REAL NOT NULL,
            end_seconds REAL NOT NULL,
            is_right INTEGER NOT NULL,
            fingerprint TEXT NOT NULL,
            marked_at TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX marks_by_concept ON marks (concept_id)")


MIGRATION_NAMES = (m001_concepts.__name__,)
"""All steps this version knows; a database that has seen others was made by a newer one."""
