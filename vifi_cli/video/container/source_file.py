"""The file under an open video, read for FFmpeg, which hides why reading ended.

FFmpeg shows a disk that fails in the middle of a file as the end of the file. Whatever was decoded would then count as
all there is.
"""

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from vifi_cli.errors import ReadingBrokeOff, VideoOutOfReach
from vifi_cli.video.container.formats.frame_movie import frame_movie
from vifi_cli.video.container.formats.joined_matroska import Patch, cluster_before, patched, patches_of
from vifi_cli.video.files.content import length_bytes, open_content
from vifi_cli.video.files.motion_photos import film_start
from vifi_cli.video.files.virtual.frame_folders import read_frame_folder
from vifi_cli.video.files.virtual.virtual_files import JoinedPieces

SCARCE_BYTES = 256 * 2**20  # memory is scarce where a block of this size cannot be had


class SourceFile:
    """A file as FFmpeg reads it. A failing disk looks like the file's end; `check` then says what happened.

    Of a motion photo, FFmpeg sees the film alone; of a shard, one member; of a folder of frames, a movie.
    """

    def __init__(self, path: Path, frame_seconds: float | None = None) -> None:
        """Opens the file, for a folder of frames with the time from one to the next, if it is known.

        Raises:
            VideoOutOfReach: it cannot be opened now.
            UnreadableVideo: it is a folder of frames whose rate is not known.
        """
        try:
            self._start = film_start(path) or 0
            self._file = _opened(path, frame_seconds)
        except OSError as error:
            raise VideoOutOfReach(why_not_opened(error)) from error
        self._size_bytes = self._now_bytes()
        if self._start:
            self._file.seek(self._start)
        self.name = os.fsdecode(path)  # FFmpeg guesses the format from it too
        self.is_frame_folder = isinstance(self._file, JoinedPieces)
        self._failure: str | None = None
        self._patches = self._patches_of_joined()

    def read(self, count: int) -> bytes:
        """The next bytes; none at the end, or where reading fails."""
        try:
            position = self.tell() if self._patches else 0
            data = self._file.read(count)
            if not data and count and self._size_bytes and self.tell() < self._size_bytes:
                self._failure = self._failure or self._why_short()
        except OSError as error:
            self._failure = self._failure or f"reading it failed: {error.strerror}"
            return b""
        return patched(data, position, self._patches) if self._patches else data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a position, and returns it; a negative error number for one that no file can have."""
        try:
            offset += self._start if whence == os.SEEK_SET else 0
            return self._file.seek(offset, whence) - self._start
        except OSError as error:
            return -(error.errno or errno.EINVAL)

    def tell(self) -> int:
        """The present position."""
        return self._file.tell() - self._start

    def entry_before(self, position: int) -> int:
        """Where FFmpeg can begin to read what is at a position; 0 if only at the file's beginning.

        In joined Matroska it reads from a cluster on, and leaves out the one where it begins.
        """
        if not self._patches:
            return position
        return cluster_before(self._read_at, cluster_before(self._read_at, position) - 1)

    def seekable(self) -> bool:
        """Whether the file is more than a pipe."""
        return self._file.seekable()

    def check(self) -> None:
        """Raises ReadingBrokeOff if reading has failed; what was decoded so far is then not all there is."""
        if self._failure:
            raise ReadingBrokeOff(self._failure)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _patches_of_joined(self) -> list[Patch]:
        try:
            return patches_of(self._read_at, self._size_bytes)
        except OSError:  # what fails here fails again when it is read
            return []

    def _read_at(self, position: int, count: int) -> bytes:
        here = self._file.tell()
        try:
            self._file.seek(self._start + position)
            return self._file.read(count)
        finally:
            self._file.seek(here)

    def _why_short(self) -> str:
        if self._now_bytes() < self._size_bytes:
            return "it became shorter while it was read"
        return f"reading it failed: the disk gave {self.tell():,} of {self._size_bytes:,} bytes"

    def _now_bytes(self) -> int:
        return length_bytes(self._file) - self._start if self._file.seekable() else 0


def _opened(path: Path, frame_seconds: float | None) -> BinaryIO:
    frames = read_frame_folder(path) if path.is_dir() else None
    return open_content(path) if frames is None else cast(BinaryIO, frame_movie(frames, frame_seconds))


@contextmanager
def open_source(path: Path, frame_seconds: float | None = None) -> Iterator[SourceFile]:
    """Opens a file for FFmpeg, and closes it; arguments and errors are those of `SourceFile`."""
    source = SourceFile(path, frame_seconds)
    try:
        yield source
    finally:
        source.close()


def why_not_opened(error: OSError) -> str:
    """Why a file cannot be opened now, in words."""
    if isinstance(error, FileNotFoundError):
        return "the file is gone"
    if isinstance(error, PermissionError):
        return "no permission to read the file"
    if isinstance(error, IsADirectoryError):
        return "a folder, not a file"
    return f"the file cannot be read: {error.strerror or error}"


def check_memory(error: Exception) -> None:
    """Raises ReadingBrokeOff if an error may come from missing memory.

    FFmpeg has several errors for that, and the one for missing memory may mean an absurd size in a damaged file.
    """
    try:
        mmap.mmap(-1, SCARCE_BYTES).close()  # not touched, so it costs nothing
    except OSError:
        raise ReadingBrokeOff("not enough memory to decode it") from error
