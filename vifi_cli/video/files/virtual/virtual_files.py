"""Files that consist of others or are parts of one: their status, and reading them."""

import errno
import io
import os
import stat
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

Piece = tuple[int, Callable[[], bytes]]
"""How many bytes a part of a stream has, and what reads it."""


def virtual_status(
    base: os.stat_result, inode: int, size_bytes: int, times_ns: tuple[int, int] | None = None
) -> os.stat_result:
    """The status of an ordinary file that consists of others or is a part of one; times of modification and status."""
    modified, changed = times_ns or (base.st_mtime_ns, base.st_ctime_ns)
    times = (base.st_atime, modified / 1e9, changed / 1e9)
    mode = stat.S_IFREG | stat.S_IMODE(base.st_mode)
    seconds = tuple(map(int, times))
    return os.stat_result(
        (mode, inode, base.st_dev, 1, base.st_uid, base.st_gid, size_bytes, *seconds),
        {
            **dict(zip(("st_atime", "st_mtime", "st_ctime"), times, strict=True)),
            "st_atime_ns": base.st_atime_ns,
            "st_mtime_ns": modified,
            "st_ctime_ns": changed,
        },
    )


class PositionedReader(io.RawIOBase):
    """What is read from a position in it, which subclasses move on as they read."""

    def __init__(self) -> None:
        self._position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The present position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a position; raises OSError if that is before the beginning."""
        position = offset
        if whence == os.SEEK_CUR:
            position += self._position
        elif whence == os.SEEK_END:
            position += self._end()
        if position < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = position
        return position

    def _end(self) -> int:
        """How many bytes there are."""
        raise NotImplementedError


class JoinedPieces(PositionedReader):
    """Pieces that are read as if they were one file; holds the latest one in memory."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        super().__init__()
        self._reads = [read for _, read in pieces]
        self._ends = list(accumulate(size for size, _ in pieces))
        self._latest: tuple[int, bytes] = (-1, b"")

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Reads the next bytes, of one piece at most."""
        place = bisect_right(self._ends, self._position)
        if place == len(self._ends):
            return 0
        if self._latest[0] != place:
            self._latest = place, self._reads[place]()
        content = self._latest[1]
        start = self._position - (self._ends[place] - len(content))
        part = content[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _end(self) -> int:
        return self._ends[-1] if self._ends else 0
