"""The catalog's schema, as numbered steps that each run once in their own transaction."""

from sqlite_utils import Database, Migrations

migrations = Migrations("vifi")


@migrations()
def m001_catalogue(db: Database) -> None:
    """The first schema. Paths are BLOBs: the bytes that the file system uses, whatever their encoding.

    `videos.fingerprint` identifies the file's content. `frames` holds little-endian float64 seconds (T,) and float16
    embeddings (T, D), not normalized. `windows.id` is the vector's id in FAISS and is never used twice.
    `revision` is a random name for the present set of windows. `vectors_revision` names the one for which a vector
    file was last made; even after a backup is restored, the present state came from it.
    """
    statements = [
        """CREATE TABLE catalogue (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            generation INTEGER NOT NULL,
            revision TEXT NOT NULL,
            vectors_revision TEXT,
            model TEXT NOT NULL,
            vision_fingerprint TEXT NOT NULL,
            text_fingerprint TEXT NOT NULL,
            dimension INTEGER NOT NULL,
            frames_per_second REAL NOT NULL,
            minimum_frames INTEGER NOT NULL,
            created_at TEXT NOT NULL
        )""",
        "CREATE TABLE roots (path BLOB PRIMARY KEY, indexed_at TEXT NOT NULL)",
        """CREATE TABLE videos (
            id INTEGER PRIMARY KEY,
            path BLOB NOT NULL UNIQUE,
            size_bytes INTEGER NOT NULL,
            modified_ns INTEGER NOT NULL,
            on_other_device INTEGER NOT NULL,
            fingerprint TEXT NOT NULL,
            duration_seconds REAL NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            codec TEXT NOT NULL,
            decoding TEXT NOT NULL,
            warning TEXT,
            indexed_at TEXT NOT NULL
        )""",
        "CREATE INDEX videos_by_content ON videos (size_bytes, fingerprint)",
        """CREATE TABLE frames (
            video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
            seconds BLOB NOT NULL,
            embeddings BLOB NOT NULL
        )""",
        """CREATE TABLE windows (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
            start_seconds REAL NOT NULL,
            end_seconds REAL NOT NULL,
            first_frame INTEGER NOT NULL,
            end_frame INTEGER NOT NULL,
            is_whole INTEGER NOT NULL
        )""",
        "CREATE INDEX windows_by_video ON windows (video_id)",
        """CREATE TABLE failures (
            path BLOB PRIMARY KEY,
            size_bytes INTEGER NOT NULL,
            modified_ns INTEGER NOT NULL,
            reason TEXT NOT NULL,
            failed_at TEXT NOT NULL
        )""",
    ]
    for statement in statements:
        db.execute(statement)


@migrations()
def m002_file_identity(db: Database) -> None:
    """What shows that a file is the one that was read: change of status, inode number, a digest of every byte, mount.

    All are NULL where an older version did not note them. `mount` is text as `MountIdentity.as_text` makes it.
    """
    for table in ("videos", "failures"):
        for column in ("status_changed_ns INTEGER", "inode INTEGER", "mount TEXT"):
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    db.execute("ALTER TABLE videos ADD COLUMN digest TEXT")


@migrations()
def m003_failure_kinds(db: Database) -> None:
    """Distinguishes failures that may pass from unreadable content (`FailureKind`), and counts the runs that met them.

    The kind of earlier failures is not known, so each file is tried once more.
    """
    db.execute("ALTER TABLE failures ADD COLUMN kind TEXT NOT NULL DEFAULT 'out of reach'")
    db.execute("ALTER TABLE failures ADD COLUMN runs INTEGER NOT NULL DEFAULT 1")


@migrations()
def m004_clock(db: Database) -> None:
    """How the times of a video are counted, as `FileClock.as_json` makes it; NULL until it is needed."""
    db.execute("ALTER TABLE videos ADD COLUMN clock TEXT")


@migrations()
def m005_clips(db: Database) -> None:
    """What the encoder sees at once: a single frame, or so many frames in so many seconds.

    With clips, each time in `frames` is when a clip begins, and each embedding is that of a clip.
    """
    db.execute("ALTER TABLE catalogue ADD COLUMN clip_frames INTEGER NOT NULL DEFAULT 1")
    db.execute("ALTER TABLE catalogue ADD COLUMN clip_seconds REAL NOT NULL DEFAULT 0")


MIGRATION_NAMES = (
    m001_catalogue.__name__,
    m002_file_identity.__name__,
    m003_failure_kinds.__name__,
    m004_clock.__name__,
    m005_clips.__name__,
)
"""All steps this version knows; a catalog that has seen others was made by a newer one."""
