"""Which videos a search looks at, by what the catalogue knows of their files."""

import fnmatch
import math
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFilter:
    """Conditions that all must hold; the default has none.

    Attributes:
        path_pattern: a folder above the video, or a glob that its path matches, see `path_matches`.
        changed_from_ns: earliest time of the file's last change, in nanoseconds since 1970.
        changed_before_ns: the file changed last before this time.
        shortest_seconds: minimum length of the video.
        longest_seconds: maximum length of the video.
    """

    path_pattern: str | None = None
    changed_from_ns: int | None = None
    changed_before_ns: int | None = None
    shortest_seconds: float = 0.0
    longest_seconds: float = math.inf

    def matches_path(self, path: Path) -> bool:
        """Whether a video at this path may match."""
        return self.path_pattern is None or path_matches(path, self.path_pattern)


EVERY_VIDEO = VideoFilter()


def path_matches(path: Path, pattern: str) -> bool:
    """Whether a pattern means a path: a folder above it, the file itself, or a glob.

    The name of a folder or file is taken literally, relative to the working folder, whatever characters it has. In a
    glob `*` matches any characters, slashes too. Without a leading slash a glob may match from any folder on
    (`trips/*.mp4`, `*.mkv`, `holiday`), and a glob that matches a folder above the file matches the file.
    """
    if path.is_relative_to(os.path.abspath(pattern)):  # noqa: PTH100 - resolve() would follow links
        return True
    anchored = pattern if pattern.startswith("/") else f"*/{pattern}"
    text = str(path)
    return fnmatch.fnmatchcase(text, anchored) or fnmatch.fnmatchcase(text, f"{anchored.rstrip('/')}/*")
