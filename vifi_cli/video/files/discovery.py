"""Finds the videos under folders, reading at most a few bytes of each, and recognizes moved files by their content.

Folders are walked in order of name, so the same disk yields the same list. Hidden files and folders are skipped, among
them the `._` files of macOS, unless the user names them.
"""

import errno
import fnmatch
import os
import stat
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import may_be_video

LEADS_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
SAMPLED_BLOCKS = 64
BLOCK_BYTES = 256 * 1024

Inode = tuple[int, int]


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A file that is likely a video."""

    path: Path  # absolute, with links as found
    size_bytes: int
    modified_ns: int  # since 1970
    on_other_device: bool = field(default=False, compare=False)  # than the root, by a mount or a link


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a search of folders found; videos and folders in order of path."""

    roots: tuple[Path, ...]  # the paths searched, absolute
    videos: tuple[VideoFile, ...]  # each file once
    unreadable_folders: tuple[Path, ...] = ()  # in full or in part


def find_videos(paths: Iterable[Path | str], *, exclude: Sequence[str] = ()) -> Discovery:
    """Finds the videos under folders; files named directly always count as videos.

    A file that several links or paths lead to is listed once, by a path without links if there is one. Linked folders
    are followed, once each. A pattern excludes a folder or file whose name, path relative to the folder searched, or
    absolute path it matches; `*` matches `/` too, and case counts (`fnmatch.fnmatchcase`). Excluding a folder excludes
    everything in it. Patterns do not exclude the files and folders that the user names.

    Raises:
        InvalidInput: a path does not exist, or is neither a folder nor a regular file.
    """
    roots = tuple(Path(os.path.abspath(path)) for path in paths)  # noqa: PTH100  resolve() would follow links
    walk = _Walk(exclude)
    for root in roots:
        walk.search(root)
    walk.follow_links()
    return Discovery(roots, walk.videos(), tuple(sorted(walk.unreadable_folders)))


class _Walk:
    """One search of several roots, which lists each physical file and enters each folder once.

    Links to folders wait until all real folders are searched, so that most of their content is known by then.
    """

    def __init__(self, exclude: Sequence[str]) -> None:
        self.unreadable_folders: set[Path] = set()
        self._exclude = exclude
        self._files: dict[Inode | Path, tuple[VideoFile, bool]] = {}  # with whether links lead there
        self._folders: set[Inode | Path] = set()
        self._links: deque[tuple[Path, Path]] = deque()  # links to folders, each with its root
        self._devices: dict[Path, int] = {}  # of the roots

    def videos(self) -> tuple[VideoFile, ...]:
        """The videos found, in order of path."""
        return tuple(sorted((video for video, _ in self._files.values()), key=attrgetter("path")))

    def search(self, root: Path) -> None:
        """Collects a file, or all videos under a folder."""
        try:
            status = root.stat()
        except OSError as error:
            reason = error.strerror or "cannot be reached"
            raise InvalidInput(f"{root}: {reason}; name a folder or a video that is there") from error
        self._devices[root] = status.st_dev
        if stat.S_ISREG(status.st_mode):
            self._take(root, root, status, is_linked=root.is_symlink())
        elif stat.S_ISDIR(status.st_mode):
            self._search_below(root, root, is_linked=False)
        else:
            raise InvalidInput(f"{root} is neither a folder nor a regular file; name one of these")

    def follow_links(self) -> None:
        """Searches the folders that only links lead to."""
        while self._links:
            link, root = self._links.popleft()
            self._search_below(link, root, is_linked=True)

    def _search_below(self, top: Path, root: Path, *, is_linked: bool) -> None:
        waiting = [top]
        while waiting:
            folders = []
            for path in self._listed(waiting.pop()):
                status = None if self._is_skipped(path, root) else self._status(path)
                if status is None:
                    continue
                if stat.S_ISREG(status.st_mode) and may_be_video(path):
                    self._take(path, root, status, is_linked=is_linked or path.is_symlink())
                elif stat.S_ISDIR(status.st_mode) and path.is_symlink():
                    self._links.append((path, root))
                elif stat.S_ISDIR(status.st_mode):
                    folders.append(path)
            waiting.extend(reversed(folders))

    def _listed(self, folder: Path) -> list[Path]:
        """The content of a folder, sorted; empty if it was listed before or has disappeared."""
        try:
            identity = _identity(folder, folder.stat())
            if identity in self._folders:
                return []
            self._folders.add(identity)
            with os.scandir(folder) as entries:
                return sorted(folder / entry.name for entry in entries)
        except FileNotFoundError:
            return []
        except OSError:
            self.unreadable_folders.add(folder)
            return []

    def _is_skipped(self, path: Path, root: Path) -> bool:
        names = path.name, str(path.relative_to(root)), str(path)
        return path.name.startswith(".") or any(
            fnmatch.fnmatchcase(name, pattern) for pattern in self._exclude for name in names
        )

    def _status(self, path: Path) -> os.stat_result | None:
        """The status of a path, links followed; None if it leads nowhere or is not visible."""
        try:
            return path.stat()
        except OSError as error:
            if error.errno not in LEADS_NOWHERE:
                self.unreadable_folders.add(path.parent)
            return None

    def _take(self, path: Path, root: Path, status: os.stat_result, *, is_linked: bool) -> None:
        identity = _identity(path, status)
        _, known_is_linked = self._files.get(identity, (None, True))
        if identity not in self._files or (known_is_linked and not is_linked):
            on_other_device = status.st_dev != self._devices[root]
            file = VideoFile(path, status.st_size, status.st_mtime_ns, on_other_device)
            self._files[identity] = file, is_linked


def _identity(path: Path, status: os.stat_result) -> Inode | Path:
    """The same for all paths to one file; on network disks without file numbers, the path."""
    return (status.st_dev, status.st_ino) if status.st_ino else path


def content_fingerprint(path: Path) -> str:
    """A hash that recognizes a file after it was moved or touched: BLAKE2b, 32 hexadecimal digits.

    It covers the size and `SAMPLED_BLOCKS` blocks of `BLOCK_BYTES` spread evenly over the file, including the first and
    the last byte; smaller files in full.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = blake2b(size.to_bytes(8, "big"), digest_size=16)
        if size <= SAMPLED_BLOCKS * BLOCK_BYTES:
            digest.update(file.read())
        else:
            for block in range(SAMPLED_BLOCKS):
                file.seek(block * (size - BLOCK_BYTES) // (SAMPLED_BLOCKS - 1))
                digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()
