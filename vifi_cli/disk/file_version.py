"""Whether a file is still the one that was read, as far as the file system shows it."""

import os
from pathlib import Path

FileVersion = tuple[int, ...]
"""Changes when a file is written, or replaced by another."""


def version_of(status: os.stat_result) -> FileVersion:
    """The version of a file by its status."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def file_version(path: Path) -> FileVersion | None:
    """The version of the file at a path, links followed; None if it cannot be seen."""
    try:
        return version_of(path.stat())
    except OSError:
        return None
