"""The content and the status of a video, whether it is a file, a member of a shard, or a folder of frames."""

import errno
import io
import os
import stat
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, cast

from vifi_cli.disk.file_version import FileVersion, version_of
from vifi_cli.video.files.frame_folders import FrameFolder, read_frame_folder
from vifi_cli.video.files.tar_shards import MemberFile, member_status

Piece = tuple[int, Callable[[], bytes]]
"""How many bytes a part of a stream has, and what reads it."""


def video_status(path: Path) -> os.stat_result:
    """What the file system says about a video, as about one file.

    An ordinary folder has its own status. Raises OSError: FileNotFoundError or NotADirectoryError only if the video is
    certainly not there.
    """
    try:
        status = path.stat()
    except NotADirectoryError:
        return member_status(path)
    if not stat.S_ISDIR(status.st_mode):
        return status
    frames = read_frame_folder(path)
    return status if frames is None else frames.status


def is_there(path: Path) -> bool:
    """Whether a path leads to what may be a video and can be seen: a file, a member of a shard, a folder of frames."""
    try:
        return stat.S_ISREG(video_status(path).st_mode)
    except (OSError, ValueError):  # the latter for a path that no system can have
        return False


def video_version(path: Path) -> FileVersion | None:
    """The version of a video, which changes with its content; None if it cannot be seen."""
    try:
        return version_of(video_status(path))
    except OSError:
        return None


def open_content(path: Path) -> BinaryIO:
    """Opens the bytes that make up a video: those of a file or member, or those of all pictures, one after the other.

    Raises OSError.
    """
    try:
        return cast(BinaryIO, path.open("rb", buffering=0))
    except NotADirectoryError:
        return cast(BinaryIO, MemberFile(path))
    except (IsADirectoryError, PermissionError):  # the latter for folders on Windows
        frames = read_frame_folder(path) if path.is_dir() else None
        if frames is None:
            raise
    head = frames.content_head
    return cast(BinaryIO, JoinedPieces([(len(head), lambda: head), *picture_pieces(frames)]))


def picture_pieces(frames: FrameFolder) -> list[Piece]:
    """The content of the pictures as they are."""
    return [
        (size, partial(_whole_file, picture, size))
        for picture, size in zip(frames.pictures, frames.sizes_bytes, strict=True)
    ]


def length_bytes(file: BinaryIO) -> int:
    """The present length of an open file; its position stays."""
    here = file.tell()
    try:
        return file.seek(0, os.SEEK_END)
    finally:
        file.seek(here)


def read_up_to(file: BinaryIO, count: int) -> bytes:
    """The next bytes of an open file, fewer only at its end; one call of its own may give fewer."""
    parts = []
    while count and (part := file.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


class JoinedPieces(io.RawIOBase):
    """Pieces that are read as if they were one file; holds the latest one in memory."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._reads = [read for _, read in pieces]
        self._ends = list(accumulate(size for size, _ in pieces))
        self._position = 0
        self._latest: tuple[int, bytes] = (-1, b"")

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
        """Goes to a position."""
        end = self._ends[-1] if self._ends else 0
        position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: end}[whence]
        if position < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = position
        return position

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


def _whole_file(file: Path, size_bytes: int) -> bytes:
    content = file.read_bytes()
    if len(content) != size_bytes:
        raise OSError(errno.EIO, f"{file.name} changed while it was read")
    return content
