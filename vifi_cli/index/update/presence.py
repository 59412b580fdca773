"""Whether a file that was not found is gone, or only out of reach: a disk may be unplugged, a folder unreadable.

Each file is noted with its mount: its file system, and where that was mounted. Where another one is now, even with
other files, the file is out of reach, until the user drops it. A file system that returns under another number is
recognized by the files on it.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from vifi_cli.disk.mount_identity import MountIdentity, MountTable
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.paths import root_of
from vifi_cli.video.files.content import is_there, video_status
from vifi_cli.video.files.file_state import is_same_inode
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.files.virtual.tar_shards import is_shard_name, member_status, split_at_shard

KnownFile = CatalogedVideo | VideoFile
"""A video of the catalog, or the file of a failure; each has a path, a mount, and `on_other_device`."""


def is_absent(path: Path) -> bool:
    """Whether nothing is at a path; False where the file system does not say."""
    return _sight(path) == "nowhere"


def part_gone(
    missing: Iterable[KnownFile], roots: set[Path], videos: Sequence[CatalogedVideo]
) -> tuple[list[Path], dict[Path, Path]]:
    """Splits missing files into those gone and those out of reach, with the folder under which nothing is visible.

    `roots` are all folders and files that were ever indexed, `videos` all that are in the catalog.
    """
    mounts = _PresentMounts(videos)
    gone: list[Path] = []
    out_of_reach: dict[Path, Path] = {}
    for file in missing:
        folder = _hidden_behind(file, roots, mounts)
        if folder is None:
            gone.append(file.path)
        else:
            out_of_reach[file.path] = folder
    return gone, out_of_reach


def on_absent_disks(missing: Iterable[KnownFile], videos: Sequence[CatalogedVideo]) -> set[Path]:
    """The missing files whose disk is not mounted now or cannot be looked at, so that they certainly may still exist.

    `videos` are all that are in the catalog.
    """
    mounts = _PresentMounts(videos)
    return {file.path for file in missing if _is_on_absent_disk(file, mounts)}


def _is_on_absent_disk(file: KnownFile, mounts: "_PresentMounts") -> bool:
    for folder in file.path.parents:
        sight = _sight(folder)
        if sight != "nowhere":
            return sight == "unseen" or mounts.have_replaced(file, folder)
    return False


def _hidden_behind(file: KnownFile, roots: set[Path], mounts: "_PresentMounts") -> Path | None:
    """The folder behind which a file may still exist, or None if it is gone for good.

    That folder is a root that is missing or empty, as the mount point of an unplugged disk is; a link that leads
    nowhere or to an empty folder; a folder that cannot be read; or one where the file's disk was mounted.
    """
    path, sight = file.path, _sight(file.path)
    if (shard := next(filter(is_shard_name, path.parents), None)) and not os.path.isdir(shard):  # noqa: PTH112 - Path.is_dir() raises where it may not look
        if sight == "nowhere" and split_at_shard(path):
            return None  # the shard is complete, and has no such member
        path = shard if sight == "nowhere" else path
    root = root_of(path.parent, roots) or path.parent
    if sight == "unseen":
        return next((folder for folder in reversed(path.parents) if _sight(folder) == "unseen"), path.parent)
    if sight == "nowhere" and path.is_symlink():
        return path
    # a folder of frames, perhaps on a disk of its own
    if sight == "other" and path in roots and _is_empty(path):
        return path
    if sight == "other":
        return _door_of(file, root) if mounts.have_replaced(file, path.parent) else None
    for folder in path.parents:
        sight = _sight(folder)
        is_door = folder == root or folder.is_symlink()
        if sight == "unseen" or (is_door and (sight != "other" or _is_empty(folder))):
            return folder
        if sight == "other":
            if mounts.have_replaced(file, folder) or (root in roots and mounts.may_lack_disk(file, root)):
                return _door_of(file, root)
            return folder if file.on_other_device and _device(folder) == _device(root) else None
    return None


def _door_of(file: KnownFile, root: Path) -> Path:
    """The folder above a file through which one came to its mount: the mount point, a link, or the root."""
    place = Path(file.mount.mount_point) if file.mount else root
    return next(
        (folder for folder in file.path.parents if folder in (place, root) or folder.is_symlink()), root
    )


class _PresentMounts:
    """What is mounted now, compared with what was."""

    def __init__(self, videos: Sequence[CatalogedVideo]) -> None:
        self._videos, self._table = videos, MountTable()
        self._same: dict[tuple[MountIdentity, MountIdentity], bool] = {}
        self._lacking: dict[Path, bool] = {}

    def may_lack_disk(self, file: KnownFile, root: Path) -> bool:
        """Whether a root shows none of its videos, while an older vifi did not note where their disk was mounted."""
        if file.mount is not None:
            return False
        if root not in self._lacking:
            inside = (video.path for video in self._videos if root in video.path.parents)
            self._lacking[root] = not any(map(is_there, inside))
        return self._lacking[root]

    def have_replaced(self, file: KnownFile, folder: Path) -> bool:
        """Whether the way to a file, of which a folder is left, leads to another file system than it did."""
        before, now = file.mount, self._mount_of(folder)
        if before is None or now is None or now.is_like(before):
            return False
        place = Path(before.mount_point)
        present = None if place in file.path.parents else self._mount_of(place)
        if present and present.is_like(before):
            return False  # the disk is there, and the link that led to it is not
        if (before, now) not in self._same:
            self._same[before, now] = any(
                video.mount == before and self._is_found(video, now) for video in self._videos
            )
        return not self._same[before, now]

    def _is_found(self, video: CatalogedVideo, now: MountIdentity) -> bool:
        """Whether the very file of a video is on a mount: then that is the one before, by another name."""
        try:
            seen = VideoFile.seen(video.path, video_status(video.path))
        except OSError:
            return False
        is_same = is_same_inode(seen, video) and seen.status_changed_ns == video.status_changed_ns
        mount = self._mount_of(video.path.parent) if is_same else None
        return mount is not None and mount.is_like(now)

    def _mount_of(self, folder: Path) -> MountIdentity | None:
        try:
            return self._table.mount_of(os.path.realpath(folder))
        except OSError:
            return None


def _sight(path: Path) -> Literal["file", "other", "nowhere", "unseen"]:
    """The kind of file that a path leads to, links followed; `unseen` where the file system does not say."""
    try:
        status = path.stat() if split_at_shard(path) is None else member_status(path)
        return "file" if stat.S_ISREG(status.st_mode) else "other"
    except (FileNotFoundError, NotADirectoryError):
        return "nowhere"
    except OSError:
        return "unseen"


def _is_empty(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None
