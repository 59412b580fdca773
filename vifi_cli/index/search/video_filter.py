"""Which videos a search looks at, by what the catalogue knows of their files."""

import fnmatch
import math
import os
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog.catalog import Catalog, decode_path


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFilter:
    """Conditions that all must hold; by default there are none.

    Attributes:
        changed_from_ns: earliest time of the file's last change, in nanoseconds since 1970.
        changed_before_ns: the time before which it was changed last.
        shortest_seconds: least length of the video.
        longest_seconds: greatest length of the video.
    """

    changed_from_ns: int | None = None
    changed_before_ns: int | None = None
    shortest_seconds: float = 0.0
    longest_seconds: float = math.inf

    def videos_of(self, catalog: Catalog, below: str | None = None) -> list[int] | None:
        """The ids of the videos that fulfil the conditions; None where there are none.

        Args:
            catalog: of the index.
            below: a glob that a video's path must match (see `path_matches`), or a folder above it.
        """
        if self == VideoFilter() and below is None:
            return None
        condition, values = self._in_sql()
        rows = catalog.db.execute(f"SELECT id, path FROM videos WHERE {condition} ORDER BY id", values)
        return [row[0] for row in rows if below is None or path_matches(decode_path(row[1]), below)]

    def _in_sql(self) -> tuple[str, list[float]]:
        bounds = {
            "modified_ns >= ?": self.changed_from_ns,
            "modified_ns < ?": self.changed_before_ns,
            "duration_seconds >= ?": self.shortest_seconds,
            "duration_seconds <= ?": self.longest_seconds,
        }
        given = {condition: bound for condition, bound in bounds.items() if bound is not None}
        return " AND ".join(given), list(given.values())


def path_matches(path: Path, pattern: str) -> bool:
    """Whether a path is meant by a pattern: a folder or file, or a glob.

    A folder or file is taken as it is, whatever characters its name has, relative to where the user is. In a glob `*`
    matches any characters, slashes too; without a leading slash it may match from any folder on (`trips/*.mp4`,
    `*.mkv`, `holiday`), and one that matches a folder on the way to the file matches the file.
    """
    if path.is_relative_to(os.path.abspath(pattern)):  # noqa: PTH100 - resolve() would follow links
        return True
    anchored = pattern if pattern.startswith("/") else f"*/{pattern}"
    text = str(path)
    return fnmatch.fnmatchcase(text, anchored) or fnmatch.fnmatchcase(text, f"{anchored.rstrip('/')}/*")
