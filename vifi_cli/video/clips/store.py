"""Where training and evaluation get clips from: a cache of decoded videos, or else the files themselves.

All processes of a training run share the cache's folder, and later runs use it again. A file holds all frames of one
video, or of the part of it that is used, each with a checksum, and is mapped into memory, so that the operating system
caches what is used often. Files are written under a temporary name and renamed. The folder never exceeds its budget: a
file reserves its space, under a lock, before it is filled. If space is short, the least recently used files go, except
those the current run has used.

If the cache fails, for example because of a full disk or a damaged file, the video is only decoded again.
"""

import hashlib
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from vifi_cli import paths
from vifi_cli.disk import access_rights
from vifi_cli.disk.replacement import SUFFIX as UNFINISHED_SUFFIX
from vifi_cli.disk.replacement import temporary_file
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.reader import FrameChoice, read_all_frames, read_clip
from vifi_cli.video.container.clock_reading import known_clock
from vifi_cli.video.decode.selective import FramesMissing
from vifi_cli.video.files.content import video_status
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.video.pictures.bilinear import resize_bilinear, short_side_size
from vifi_cli.video.pictures.picture import Picture

KIND = b"vificlp1"
HEADER = np.dtype([("kind", "S8"), ("frames", "<u8"), ("height", "<u4"), ("width", "<u4")])
CHECKSUM_BYTES = 4
SUFFIX = ".clip"
LOCK_SECONDS = 60.0  # listing the folder takes milliseconds


class ClipStore:
    """Reads clips, the same bits with and without a cache; may be sent to other processes."""

    def __init__(self, short_side: int, *, folder: Path | None = None, budget_bytes: int = 0) -> None:
        """Frames have this short side, in pixels. The cache's folder is made when needed."""
        self.short_side = short_side
        self._cache = ClipCache(folder, budget_bytes) if folder is not None and budget_bytes > 0 else None
        self._not_kept: set[str] = set()

    def read(self, path: Path, choose: FrameChoice, part: TimeRange = WHOLE_VIDEO) -> npt.NDArray[np.uint8]:
        """The chosen frames of a video in the order chosen: uint8 (T, H, W, 3), RGB, upright and scaled.

        The frames of a part are numbered from its start.

        Raises:
            UnreadableVideo: the video cannot be read, or the part has no frame.
        """
        choose = cache(choose)  # one answer for one N, whether frames come from the cache or not
        pictures = None if self._cache is None else self._kept(self._cache, path, part, choose)
        if pictures is None:
            return read_clip(path, choose, self.short_side, part)
        size = short_side_size(pictures.shape[1], pictures.shape[2], self.short_side)
        return np.stack([resize_bilinear(picture, *size) for picture in pictures])

    def _kept(
        self, kept: "ClipCache", path: Path, part: TimeRange, choose: FrameChoice
    ) -> npt.NDArray[np.uint8] | None:
        """The frames from the cache, once the video is in it; None if it cannot be."""
        key = self.content_key(path, part)
        if key is None or key in self._not_kept:
            return None
        pictures = kept.read(key, choose)
        if pictures is None and self._keep(kept, key, path, part):
            pictures = kept.read(key, choose)
        if pictures is None:
            self._not_kept.add(key)
        return pictures

    def _keep(self, kept: "ClipCache", key: str, path: Path, part: TimeRange) -> bool:
        try:
            most_frames, pictures = read_all_frames(path, part)
            return kept.write(key, most_frames, (self._scaled_down(picture) for picture in pictures))
        except FramesMissing:
            return False

    def _scaled_down(self, picture: Picture) -> Picture:
        """The picture as the cache keeps it: a small one at its own size, to be scaled up when read."""
        height, width, _ = picture.shape
        if min(height, width) <= self.short_side:
            return picture
        return resize_bilinear(picture, *short_side_size(height, width, self.short_side))

    def content_key(self, path: Path, part: TimeRange = WHOLE_VIDEO) -> str | None:
        """A name for the present content of a file, or of a part of it, at this size; None if the file is missing."""
        try:
            state = video_status(path)
            clock = None if part == WHOLE_VIDEO else known_clock(path)
        except (OSError, UnreadableVideo):
            return None
        facts: list[object] = [path.absolute(), state.st_size, state.st_mtime_ns, self.short_side]
        if part != WHOLE_VIDEO:
            facts += [part.start_seconds, part.end_seconds]
        if clock is not None:  # of a folder of frames, whose rate a setting may change
            facts.append(clock.frame_seconds)
        return hashlib.sha256(os.fsencode("\0".join(map(str, facts)))).hexdigest()[:32]


class ClipCache:
    """Decoded videos by key, within a budget of disk space."""

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._folder = folder
        self._budget_bytes = budget_bytes
        self._run_began_ns = time.time_ns()
        self._used: set[str] = set()  # keys whose use this process has noted
        self._writable = True

    def read(self, key: str, choose: FrameChoice) -> npt.NDArray[np.uint8] | None:
        """The chosen frames of a video, uint8 (T, H, W, 3); None if it is absent or damaged."""
        path = self._path(key)
        try:
            records = _map_file(path)
        except OSError:
            return None
        chosen = None if records is None else records[choose(len(records))]
        if chosen is None or not all(zlib.crc32(record["pixels"]) == record["checksum"] for record in chosen):
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        self._note_use(key)
        pixels: npt.NDArray[np.uint8] = chosen["pixels"]
        return pixels

    def write(self, key: str, most_frames: int, pictures: Iterable[Picture]) -> bool:
        """Keeps a video if there is space for it; returns whether it did.

        A video with more pictures than `most_frames`, or with pictures of several sizes, is not kept.
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
        frames, mode = 0, paths.make_own_folder(self._folder)
        with temporary_file(self._path(key), mode) as unfinished:
            if not self._reserve(unfinished, _file_bytes(most_frames, *first.shape[:2])):
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
            access_rights.give_to_owner(unfinished)
            unfinished.replace(self._path(key))
        return True

    def _reserve(self, unfinished: Path, size: int) -> bool:
        """Makes an empty file as large as it will be, if the budget allows it."""
        mode = access_rights.file_mode(self._folder)
        with FileLock(self._folder / ".lock", timeout=LOCK_SECONDS, mode=mode):
            if not self._make_room(size):
                return False
            os.truncate(unfinished, size)
            return True

    def _make_room(self, size: int) -> bool:
        """Deletes old files until a file of the size fits; none if deleting all would not be enough."""
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


def _file_bytes(frames: int, height: int, width: int) -> int:
    return int(HEADER.itemsize + frames * (CHECKSUM_BYTES + height * width * 3))


def _map_file(path: Path) -> npt.NDArray[np.void] | None:
    """The records of a file, one per frame, mapped into memory; None if it is damaged."""
    with path.open("rb") as file:
        header = np.frombuffer(file.read(HEADER.itemsize).ljust(HEADER.itemsize), HEADER)[0]
    frames, height, width = (int(header[name]) for name in ("frames", "height", "width"))
    intact = path.stat().st_size == _file_bytes(frames, height, width)
    if header["kind"] != KIND or not intact or not frames * height * width:
        return None
    record = np.dtype([("checksum", "<u4"), ("pixels", "u1", (height, width, 3))])
    # a private mapping: file systems that share no memory between processes refuse any other
    return np.asarray(np.memmap(path, record, "c", HEADER.itemsize, (frames,)))
