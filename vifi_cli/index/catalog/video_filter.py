"""Selects videos by what the catalog knows about their files."""

import fnmatch
import math
import os
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.paths import unicode_form
from vifi_cli.video.files.video_file import LARGEST_INTEGER, storable_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFilter:
    """Conditions that must all hold; the default has none."""

    path_pattern: str | None = None  # see `path_matches`
    changed_from_ns: int | None = None  # earliest modification time of the file, in nanoseconds since 1970
    changed_before_ns: int | None = None  # the modification time is earlier than this
    shortest_seconds: float = 0.0  # minimum length of the video
    longest_seconds: float = math.inf

    def matches_path(self, path: Path) -> bool:
        """Whether a video at this path may match."""
        return self.path_pattern is None or path_matches(path, self.path_pattern)


EVERY_VIDEO = VideoFilter()


def conditions_of(among: VideoFilter) -> tuple[str, list[float]]:
    """What SQLite can check of a filter: a condition on rows of `videos`, and its values. The path is left out."""
    start_ns, end_ns = among.changed_from_ns, among.changed_before_ns
    bounds = {
        "modified_ns >= ?": None if start_ns is None else storable_ns(start_ns),
        "modified_ns < ?": None if end_ns is None else max(min(end_ns, LARGEST_INTEGER), -LARGEST_INTEGER),
        "duration_seconds >= ?": among.shortest_seconds,
        "duration_seconds <= ?": among.longest_seconds,
    }
    given = {condition: bound for condition, bound in bounds.items() if bound is not None}
    return " AND ".join(given), list(given.values())


def path_matches(path: Path, pattern: str) -> bool:
    """Whether a pattern matches a path: as a folder above it, the file itself, or a glob.

    Names of folders and files are taken literally, relative to the working folder, whatever characters they contain. In
    a glob `*` matches any characters, slashes too. Without a leading slash a glob may match from any folder on
    (`trips/*.mp4`, `*.mkv`, `holiday`), and a glob that matches a folder above the file matches the file. Case
    counts; the Unicode form of letters does not.
    """
    text, pattern = unicode_form(path), unicode_form(pattern)
    folder = unicode_form(os.path.abspath(pattern))  # noqa: PTH100 - resolve() would follow links
    if Path(text).is_relative_to(folder):
        return True
    anchored = pattern if pattern.startswith("/") else f"*/{pattern}"
    return fnmatch.fnmatchcase(text, anchored) or fnmatch.fnmatchcase(text, f"{anchored.rstrip('/')}/*")
