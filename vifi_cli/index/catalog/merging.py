"""Takes the rows of one catalog into another, in one transaction."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog.catalog import FAILURE_COLUMNS, VIDEO_COLUMNS, WINDOW_COLUMNS, Catalog
from vifi_cli.index.catalog.rows import decode_path
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.content import video_status
from vifi_cli.video.files.video_file import VideoFile

FOR_GOOD = f"kind = '{FailureKind.UNREADABLE}'"
KNOWN = """
    SELECT path, size_bytes, modified_ns, indexed_at AS known_at, 1 AS is_video FROM {0}.videos
    UNION ALL SELECT path, size_bytes, modified_ns, failed_at, 0 FROM {0}.failures WHERE {1}
"""
COLUMNS = "{0}.size_bytes, {0}.modified_ns, {0}.known_at, {0}.is_video"
BOTH_KNOW = (
    f"SELECT path, {COLUMNS.format('here')}, {COLUMNS.format('there')} FROM ({KNOWN.format('main', FOR_GOOD)}) AS here "
    f"JOIN ({KNOWN.format('shard', FOR_GOOD)}) AS there USING (path)"
)
MERGE_STATEMENTS = (
    "DELETE FROM main.videos WHERE path IN taken",
    "DELETE FROM main.failures WHERE path IN taken",
    f"INSERT INTO main.videos ({VIDEO_COLUMNS}) SELECT {VIDEO_COLUMNS} FROM shard.videos "
    "WHERE path IN taken ORDER BY id",
    "INSERT INTO main.frames (video_id, seconds, embeddings) SELECT here.id, seconds, embeddings "
    "FROM shard.frames JOIN shard.videos AS there ON there.id = video_id "
    "JOIN main.videos AS here ON here.path = there.path WHERE here.path IN taken",
    f"INSERT INTO main.windows (video_id, {WINDOW_COLUMNS}) SELECT here.id, {WINDOW_COLUMNS} "
    "FROM shard.windows AS w JOIN shard.videos AS there ON there.id = w.video_id "
    "JOIN main.videos AS here ON here.path = there.path WHERE here.path IN taken ORDER BY w.id",
    f"INSERT INTO main.failures ({FAILURE_COLUMNS}) SELECT {FAILURE_COLUMNS} FROM shard.failures "
    f"WHERE path IN taken AND {FOR_GOOD}",
    f"INSERT OR IGNORE INTO main.failures ({FAILURE_COLUMNS}) SELECT {FAILURE_COLUMNS} FROM shard.failures AS there "
    f"WHERE NOT {FOR_GOOD} AND NOT EXISTS (SELECT 1 FROM main.videos AS here WHERE here.path = there.path "
    "AND here.size_bytes = there.size_bytes AND here.modified_ns = there.modified_ns)",
)


def merge(catalog: Catalog, shard: Path) -> None:
    """Takes in what another catalog knows; of two rows about one path, the one about the file's present content stays.

    A file that the other could not reach changes nothing here, except that the next run tries it if it is not indexed.
    """
    catalog.db.attach("shard", shard)
    try:
        with catalog.transaction():
            catalog.db.execute("CREATE TEMP TABLE taken (path BLOB PRIMARY KEY)")
            catalog.db.execute(f"INSERT INTO taken SELECT path FROM ({KNOWN.format('shard', FOR_GOOD)})")
            outdated = list(_outdated(catalog.db.conn))
            catalog.db.conn.executemany("DELETE FROM taken WHERE path = ?", outdated)
            for statement in MERGE_STATEMENTS:
                catalog.db.execute(statement)
            catalog.db.execute("DROP TABLE taken")
            catalog.raise_generation()
    finally:
        catalog.db.execute("DETACH DATABASE shard")


def _outdated(connection: sqlite3.Connection) -> Iterator[tuple[bytes]]:
    """The paths about which the catalog already knows better than the shard.

    Of one content, a video is better than a failure, and otherwise the shard's row is taken. Of different contents, the
    one on disk now is better; if neither is there, the one that was read later.
    """
    for path, *rows in connection.execute(BOTH_KNOW):
        here, there = _Row(*rows[:4]), _Row(*rows[4:])
        if here.state == there.state:
            is_outdated = here.is_video > there.is_video
        else:
            now = _state_on_disk(decode_path(path))
            is_outdated = here.rank(now) > there.rank(now)
        if is_outdated:
            yield (path,)


@dataclass(frozen=True, slots=True)
class _Row:
    """What one catalog knows about a file."""

    size_bytes: int
    modified_ns: int
    known_at: str  # in ISO format
    is_video: bool

    @property
    def state(self) -> tuple[int, int]:
        return self.size_bytes, self.modified_ns

    def rank(self, state_on_disk: tuple[int, int] | None) -> tuple[bool, str, int]:
        """The higher, the more likely it is about the present content."""
        return self.state == state_on_disk, self.known_at, self.modified_ns


def _state_on_disk(path: Path) -> tuple[int, int] | None:
    try:
        now = VideoFile.seen(path, video_status(path))
    except OSError:
        return None
    return now.size_bytes, now.modified_ns
