"""A file that is likely a video, as a search of folders finds it and a catalog keeps it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from vifi_cli.disk.mount_identity import MountIdentity

LARGEST_INTEGER = 2**63 - 1  # in SQLite
LATEST_NS = LARGEST_INTEGER - 1  # still before the end of the latest period that a filter can name


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A file that is likely a video."""

    path: Path  # absolute, with links as found
    size_bytes: int
    modified_ns: int  # since 1970; the nearest that a catalog can hold
    status_changed_ns: int | None = None  # when content, name, owner or rights last changed; None if unknown
    inode: int | None = None  # 0 where the file system does not keep it, None if unknown
    on_other_device: bool = field(default=False, compare=False)  # than the root, by a mount or a link
    # where the file itself is, links followed
    mount: MountIdentity | None = field(default=None, compare=False)

    @classmethod
    def seen(cls, path: Path, status: os.stat_result) -> "VideoFile":
        """The file at a path with this status."""
        return cls(
            path,
            status.st_size,
            storable_ns(status.st_mtime_ns),
            storable_ns(status.st_ctime_ns),
            status.st_ino & LARGEST_INTEGER,
        )


def storable_ns(time_ns: int) -> int:
    """The nearest time that SQLite's integers can hold: files may be dated outside the years 1678 to 2262."""
    return min(max(time_ns, -LATEST_NS), LATEST_NS)
