"""A folder of decoded videos that all processes of a training run share, and later runs find again.

A file holds all frames of one video, each with a checksum, and is mapped into memory, so that the operating system
caches what is used often. Files are written under a temporary name and renamed. The folder never exceeds its budget: a
file reserves its space, under a lock, before it is filled. If space is short, the least recently used files go, but
none that the current run has used.

Whatever fails here, be it a full disk or a damaged file, only means that a video is decoded again.
"""

import os
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from vifi_cli.video.decode.picture import Picture

KIND = b"vificlp1"
HEADER = np.dtype([("kind", "S8"), ("frames", "<u8"), ("height", "<u4"), ("width", "<u4")])
CHECKSUM_BYTES = 4
SUFFIX, UNFINISHED_SUFFIX = ".clip", ".part"
LOCK_SECONDS = 60.0  # listing the folder takes milliseconds


class ClipCache:
    """Decoded videos by key, within a budget."""

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._folder = folder
        self._budget_bytes = budget_bytes
        self._run_began_ns = time.time_ns()
        self._used: set[str] = set()  # whose use this process has noted
        self._writable = True

    def read(self, key: str, choose: Callable[[int], npt.NDArray[np.int64]]) -> npt.NDArray[np.uint8] | None:
        """The chosen frames of a video, uint8 (T, H, W, 3); None if it is absent or damaged."""
        path = self._path(key)
        try:
            records = _map_file(path)
        except OSError:
            return None
        chosen = None if records is None else records[choose(len(records))]
        if chosen is None or not all(zlib.crc32(record["pixels"]) == record["checksum"] for record in chosen):
            self._forget(path)
            return None
        self._note_use(key)
        pixels: npt.NDArray[np.uint8] = chosen["pixels"]
        return pixels

    def write(self, key: str, most_frames: int, pictures: Iterable[Picture]) -> bool:
        """Keeps a video if there is space for it.

        Args:
            key: the name to find it by.
            most_frames: an upper bound of the number of pictures.
            pictures: uint8 (H, W, 3), all of one size; only the first is taken if there is no space.

        Returns:
            whether it was kept; a video with more frames or with changing sizes is not.
        """
        if not self._writable:
            return False
        try:
            kept = self._write(key, most_frames, iter(pictures))
        except OSError:  # such as a full disk, which the next video would meet too
            self._writable = False
            return False
        if kept:
            self._note_use(key)
        return kept

    def _write(self, key: str, most_frames: int, pictures: Iterator[Picture]) -> bool:
        first = next(pictures, None)
        if first is None:
            return False
        frames, unfinished = 0, self._folder / f"{key}.{uuid.uuid4().hex}{UNFINISHED_SUFFIX}"
        try:
            if not self._take_room(unfinished, _file_bytes(most_frames, *first.shape[:2])):
                return False
            with unfinished.open("r+b") as file:
                file.seek(HEADER.itemsize)
                for frames, picture in enumerate(chain([first], pictures), 1):
                    if picture.shape != first.shape or frames > most_frames:
                        return False
                    pixels = picture.tobytes()
                    file.write(zlib.crc32(pixels).to_bytes(CHECKSUM_BYTES, "little"))
                    file.write(pixels)
                file.truncate()
                file.seek(0)
                file.write(np.array((KIND, frames, *first.shape[:2]), HEADER).tobytes())
            unfinished.replace(self._path(key))
        finally:
            unfinished.unlink(missing_ok=True)
        return True

    def _take_room(self, unfinished: Path, size: int) -> bool:
        """Makes an empty file of the size, if the budget allows it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / ".lock", timeout=LOCK_SECONDS):
            if not self._make_room(size):
                return False
            with unfinished.open("xb") as file:
                file.truncate(size)
            return True

    def _make_room(self, size: int) -> bool:
        """Deletes old files until one of the size fits; none if deleting all would not be enough."""
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another process has just renamed or deleted it
                found.append((path, path.stat()))
        excess = sum(state.st_size for _, state in found) + size - self._budget_bytes
        unused = [
            (state.st_mtime_ns, state.st_size, path)
            for path, state in found
            if path.suffix in (SUFFIX, UNFINISHED_SUFFIX) and state.st_mtime_ns < self._run_began_ns
        ]
        if excess > sum(file_bytes for _, file_bytes, _ in unused):
            return False
        for _, file_bytes, path in sorted(unused):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= file_bytes
        return True

    def _note_use(self, key: str) -> None:
        """Stores the time of use as the file's own, once per run."""
        if key not in self._used:
            self._used.add(key)
            now = max(time.time_ns(), self._run_began_ns)
            with suppress(OSError):  # the folder may be read-only
                os.utime(self._path(key), ns=(now, now))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _forget(self, path: Path) -> None:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _file_bytes(frames: int, height: int, width: int) -> int:
    return int(HEADER.itemsize + frames * (CHECKSUM_BYTES + height * width * 3))


def _map_file(path: Path) -> npt.NDArray[np.void] | None:
    """The records of a file, one per frame, in memory that the system fills on use; None if it is damaged."""
    with path.open("rb") as file:
        header = np.frombuffer(file.read(HEADER.itemsize).ljust(HEADER.itemsize), HEADER)[0]
    frames, height, width = (int(header[name]) for name in ("frames", "height", "width"))
    intact = path.stat().st_size == _file_bytes(frames, height, width)
    if header["kind"] != KIND or not intact or not frames * height * width:
        return None
    record = np.dtype([("checksum", "<u4"), ("pixels", "u1", (height, width, 3))])
    return np.asarray(np.memmap(path, record, "r", HEADER.itemsize, (frames,)))
