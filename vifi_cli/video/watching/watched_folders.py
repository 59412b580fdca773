"""All folders under some roots, watched by inotify, also as they come, go and move."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from vifi_cli.disk.mounts import mount_of
from vifi_cli.video.watching import inotify
from vifi_cli.video.watching.arrivals import FileEvent, Kind
from vifi_cli.video.watching.inotify import Inotify, Notice

REPORT_ALL_CHANGES = frozenset(
    (
        *(
            "ext2",
            "ext3",
            "ext4",
            "xfs",
            "btrfs",
            "zfs",
            "bcachefs",
            "f2fs",
            "jfs",
            "nilfs2",
            "reiserfs",
            "ufs",
        ),
        *("vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfs", "hfsplus", "apfs", "iso9660", "udf"),
        *("tmpfs", "ramfs", "rootfs", "devtmpfs", "overlay", "aufs", "ecryptfs", "squashfs", "erofs"),
    )
)
"""File systems of this machine alone. Others, such as network shares, may change without a word to it."""

Skips = Callable[[Path], bool]


class WatchedFolders:
    """The folders under some roots, each watched once, links followed; a context manager."""

    def __init__(self, roots: list[Path], skips: Skips) -> None:
        """`skips` says which paths a search of the roots skips.

        Raises:
            OSError: with EMFILE, there are too many instances of inotify.
        """
        self.limit_reached = False  # not all folders are watched
        # folders on file systems that may not report all changes, with the kind of these
        self.silent: dict[Path, str] = {}
        self.tops: set[Path] = set()  # the roots, and the folders that links lead to, without links
        self.overflowed = False  # events were lost
        self._skips = skips
        self._paths: dict[int, Path] = {}  # of the watches
        self._watches: dict[Path, int] = {}
        self._inotify = Inotify()
        try:
            for root in roots:
                self.add(root)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends all watches."""
        self._inotify.close()

    def __len__(self) -> int:
        return len(self._watches)

    def add(self, top: Path) -> bool:
        """Watches a folder and all that a search of it would enter; returns whether it is watched now."""
        links = [top]
        while links and not self.limit_reached:
            link = links.pop()
            self.tops.add(Path(os.path.realpath(link)))
            links += self._add_tree(link)
        return top in self._watches

    def _add_tree(self, top: Path) -> list[Path]:
        """Watches a folder and all folders under it; returns the links to folders."""
        found: list[Path] = []
        waiting: list[tuple[Path, int | None]] = [(top, None)]  # with the device of the folder above
        while waiting and not self.limit_reached:
            folder, device_above = waiting.pop()
            device = self._watch(folder, device_above)
            if device is not None:
                folders, links = self._entries(folder)
                waiting += [(below, device) for below in folders]
                found += links
        return found

    def _watch(self, folder: Path, device_above: int | None) -> int | None:
        """Watches one folder; returns its device, or None if it is watched already or cannot be."""
        try:
            device = folder.stat().st_dev
            watch = self._inotify.watch(folder)
        except OSError as error:
            self.limit_reached |= error.errno == errno.ENOSPC
            return None
        if watch in self._paths:  # by another path, or by this one before
            return None
        self._paths[watch], self._watches[folder] = folder, watch
        if device != device_above:
            mount = mount_of(folder)
            if mount is not None and mount.kind not in REPORT_ALL_CHANGES:
                self.silent[folder] = mount.kind
        return device

    def _entries(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """The folders in a folder, and the links to folders."""
        folders: list[Path] = []
        links: list[Path] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = folder / entry.name
                    if not self._skips(path) and _is_folder(entry):
                        (links if entry.is_symlink() else folders).append(path)
        except OSError:  # it has gone, or its disk has
            pass
        return folders, links

    def read(self, seconds: float) -> list[FileEvent]:
        """The latest events, each once; waits for the first one, but not longer than some seconds."""
        events = (event for notice in self._inotify.read(seconds) for event in self._events(notice))
        return list(dict.fromkeys(events))

    def _events(self, notice: Notice) -> Iterator[FileEvent]:
        if notice.mask & inotify.OVERFLOW:
            self.overflowed = True
            return
        folder = self._paths.get(notice.watch)
        if folder is None:
            return
        if notice.mask & inotify.IGNORED:
            self._drop(folder)
        elif not notice.name:
            if notice.mask & (inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.UNMOUNT):
                yield FileEvent("deleted", folder)
        elif not self._skips(path := folder / notice.name):
            yield from self._changed(path, notice.mask)

    def _changed(self, path: Path, mask: int) -> Iterator[FileEvent]:
        if mask & (inotify.DELETE | inotify.MOVED_FROM):
            self._forget_below(path)
            yield FileEvent("deleted", path)
            return
        is_new = bool(mask & (inotify.CREATE | inotify.MOVED_TO))
        is_folder = bool(mask & inotify.IS_FOLDER) or (is_new and os.path.isdir(path))  # noqa: PTH112 - as arrivals
        if is_folder:
            was_watched = path in self._watches
            is_new |= not was_watched and self.add(path)  # it may have become readable
        kind: Kind = "added" if is_new else "modified"
        yield FileEvent(kind, path)

    def _forget_below(self, top: Path) -> None:
        """Ends the watches of a folder that is gone: one that was moved would still report, under its old name."""
        if top in self._watches:
            for folder in [folder for folder in self._watches if folder.is_relative_to(top)]:
                self._inotify.forget(self._watches[folder])
                self._drop(folder)

    def _drop(self, folder: Path) -> None:
        watch = self._watches.pop(folder, None)
        if watch is not None:
            self._paths.pop(watch, None)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
