"""Linux's inotify, with everything that it reports: also that it has dropped events, or reached a limit.

See inotify(7). The libraries that follow folders hide one or the other.
"""

import ctypes
import os
import select
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MODIFY, ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO = 0x2, 0x4, 0x8, 0x40, 0x80
CREATE, DELETE, DELETE_SELF, MOVE_SELF = 0x100, 0x200, 0x400, 0x800
UNMOUNT, OVERFLOW, IGNORED, IS_FOLDER = 0x2000, 0x4000, 0x8000, 0x40000000
ONLY_FOLDER = 0x01000000
FOLLOWED = (
    MODIFY
    | ATTRIB
    | CLOSE_WRITE
    | MOVED_FROM
    | MOVED_TO
    | CREATE
    | DELETE
    | DELETE_SELF
    | MOVE_SELF
    | ONLY_FOLDER
)

_HEAD = struct.Struct("iIII")  # watch, what happened, cookie, length of the name
_MOST_BYTES, _MOST_READS = 1 << 20, 16


@dataclass(frozen=True, slots=True)
class Notice:
    """An event as the kernel reports it."""

    watch: int  # -1 if the queue was full
    mask: int
    name: str  # of the entry of the folder; empty for the folder itself


class Inotify:
    """An instance of inotify; a context manager."""

    def __init__(self) -> None:
        """Raises OSError, with EMFILE if the user has too many instances."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        flags = 0
        if sys.platform == "linux":
            flags = os.O_CLOEXEC | os.O_NONBLOCK
        self._file = self._checked(self._libc.inotify_init1(flags))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all watches."""
        os.close(self._file)

    def watch(self, folder: Path) -> int:
        """Watches a folder, links followed; the same number comes for the same folder by another path.

        Raises:
            OSError: it cannot be watched, with ENOSPC if the user watches too many folders.
        """
        return self._checked(self._libc.inotify_add_watch(self._file, os.fsencode(folder), FOLLOWED))

    def forget(self, watch: int) -> None:
        """Ends a watch; nothing happens if the kernel has ended it already."""
        self._libc.inotify_rm_watch(self._file, watch)

    def read(self, seconds: float) -> list[Notice]:
        """The latest notices; waits for the first one, but not longer than some seconds."""
        if sys.platform != "linux":
            return []
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        notices: list[Notice] = []
        for _ in range(_MOST_READS):
            if not poll.poll(0 if notices else seconds * 1000):
                break
            notices += _parsed(os.read(self._file, _MOST_BYTES))
        return notices

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def _parsed(content: bytes) -> Iterator[Notice]:
    place = 0
    while place < len(content):
        watch, mask, _, length = _HEAD.unpack_from(content, place)
        place += _HEAD.size + length
        name = content[place - length : place].rstrip(b"\0")
        yield Notice(watch, mask, os.fsdecode(name))
