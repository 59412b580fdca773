"""Finds the videos under folders, reading at most a few bytes of each.

Folders are walked in order of name, so the same disk yields the same list. Hidden files and folders are skipped, among
them the `._` files of macOS, and so are trash and thumbnails, unless the user names them.
"""

import os
import stat
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path

from vifi_cli.disk.mount_identity import MountIdentity, MountTable
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import LEADS_NOWHERE, NAMES_NOTHING
from vifi_cli.video.files.content import video_status
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES, judge, suffix_of
from vifi_cli.video.files.skipping import is_in_search, matches, reason_to_skip
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.files.virtual.frame_folders import NO_FRAME_FOLDERS, WantedFrameFolders, are_frames
from vifi_cli.video.files.virtual.frame_names import is_picture_name, numbered_names
from vifi_cli.video.files.virtual.tar_shards import (
    holds_videos,
    is_shard_name,
    read_shard,
    split_at_shard,
    status_in,
)

Inode = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a search of folders found; videos and folders in order of path."""

    roots: tuple[Path, ...]  # the paths searched, absolute
    videos: tuple[VideoFile, ...]  # each file once
    unreadable_folders: tuple[Path, ...] = ()  # in full or in part
    skipped: Mapping[str, int] = field(default_factory=dict)  # how many files and folders, by reason

    def roots_without_videos(self) -> tuple[Path, ...]:
        """The roots that hold no video; one that leads to a video listed under another root is not among them."""
        files, folders = {video.path for video in self.videos}, {video.path.parent for video in self.videos}
        folders |= {above for folder in folders for above in folder.parents}
        empty = [root for root in self.roots if root not in files and root not in folders]
        if not empty:
            return ()
        real = {folder: os.path.realpath(folder) for folder in folders}
        leading = {*real.values(), *(os.path.join(real[file.parent], file.name) for file in files)}  # noqa: PTH118
        return tuple(root for root in empty if os.path.realpath(root) not in leading)


def find_videos(
    paths: Iterable[Path | str],
    *,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    frame_folders: WantedFrameFolders = NO_FRAME_FOLDERS,
) -> Discovery:
    """Finds the videos under folders; files named directly always count as videos.

    Shards of videos are searched like folders. Folders of frames are videos as `frame_folders` says; others are
    counted as `frame_folder`.

    A file that several links or paths lead to is listed once, by a path without links if there is one. Linked folders
    are followed, once each. A pattern excludes a folder or file whose name, path relative to the folder searched, or
    absolute path it matches; `*` matches `/` too; case counts (`fnmatch.fnmatchcase`), the Unicode
    form of letters does not. Excluding a folder excludes
    everything in it. Patterns do not exclude the files and folders that the user names.

    Skipped are hidden files and folders, folders of thumbnails, trash and snapshots, and low-resolution copies, unless
    a pattern of `include` matches them as one of `exclude` would; `exclude` has the last word.

    A path that exists but cannot be seen now, for want of rights or of its disk, is among the unreadable folders.

    Raises:
        InvalidInput: a path does not exist, or is neither a folder nor a regular file.
    """
    roots = tuple(Path(os.path.abspath(path)) for path in paths)  # noqa: PTH100  resolve() would follow links
    walk = _Walk(exclude, include, frame_folders)
    for root in roots:
        walk.search(root)
    walk.follow_links()
    return Discovery(roots, walk.videos(), tuple(sorted(walk.unreadable_folders)), dict(walk.skipped))


class _Walk:
    """One search of several roots, which lists each physical file and enters each folder once.

    Links to folders wait until all real folders are searched, so that most of their content is known by then.
    """

    def __init__(
        self, exclude: Sequence[str], include: Sequence[str], frame_folders: WantedFrameFolders
    ) -> None:
        self.unreadable_folders: set[Path] = set()
        self.skipped: Counter[str] = Counter()
        self._exclude, self._include, self._frame_folders = exclude, include, frame_folders
        self._files: dict[Inode | Path, tuple[VideoFile, bool]] = {}  # with whether links lead there
        self._folders: set[Inode | Path] = set()
        self._links: deque[tuple[Path, Path]] = deque()  # links to folders, each with its root
        self._devices: dict[Path, int] = {}  # of the roots
        self._mounts = MountTable()
        # of folders, with whether files keep their inode
        self._places: dict[Path, tuple[MountIdentity | None, bool]] = {}

    def videos(self) -> tuple[VideoFile, ...]:
        """The videos found, in order of path."""
        return tuple(sorted((video for video, _ in self._files.values()), key=attrgetter("path")))

    def search(self, root: Path) -> None:
        """Collects a file, or all videos under a folder."""
        try:
            status = root.stat() if split_at_shard(root) is None else video_status(root)
        except OSError as error:
            if error.errno in NAMES_NOTHING:
                raise InvalidInput(
                    f"{root}: {error.strerror}; name a folder or a video that is there"
                ) from error
            self.unreadable_folders.add(root)
            return
        self._devices[root] = status.st_dev
        if stat.S_ISREG(status.st_mode) and is_shard_name(root):
            self._search_shard(root, root, status, is_linked=root.is_symlink())
        elif stat.S_ISREG(status.st_mode):
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
            folders, folder = [], waiting.pop()
            content = self._listed(folder)
            if self._is_video(folder, root, content, is_linked=is_linked):
                content = [path for path in content if not is_picture_name(path.name)]
            for path in content:
                if reason := reason_to_skip(path, root, self._exclude, self._include):
                    self.skipped[reason] += 1
                elif status := self._status(path):
                    if stat.S_ISREG(status.st_mode):
                        self._judge(path, root, status, is_linked=is_linked)
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
                return [folder / name for name in sorted(entry.name for entry in entries)]
        except FileNotFoundError:
            return []
        except OSError:
            self.unreadable_folders.add(folder)
            return []

    def _is_video(self, folder: Path, root: Path, content: Sequence[Path], *, is_linked: bool) -> bool:
        """Takes a folder of frames, and counts one that is not wanted; returns whether it took it."""
        wanted = self._frame_folders
        is_known = folder in wanted.known
        found = numbered_names(path.name for path in content)
        if found is None or not (is_known or found.is_clear):
            return False
        if not (is_known or wanted.are_wanted_under(folder)):
            if not found.are_of_photographs:
                self.skipped["frame_folder"] += 1
            return False
        if not (is_known or folder == root or are_frames(folder, found)):
            return False
        try:
            status = video_status(folder)
        except OSError:
            self.unreadable_folders.add(folder)
            return False
        if stat.S_ISREG(status.st_mode):
            is_linked = is_linked or folder.is_symlink()
            place = Path(os.path.realpath(folder)) if is_linked else folder
            self._take(folder, root, status, is_linked=is_linked, place=place)
        return stat.S_ISREG(status.st_mode)

    def _search_shard(self, shard: Path, root: Path, status: os.stat_result, *, is_linked: bool) -> None:
        """Takes the videos in a tar file."""
        try:
            found = read_shard(shard)
        except OSError:
            self.unreadable_folders.add(shard)
            return
        if found.damage:
            self.unreadable_folders.add(shard)
        place = Path(os.path.realpath(shard)).parent if is_linked else shard.parent
        for name, member in found.members.items():
            path = shard / name
            if suffix_of(path) not in VIDEO_SUFFIXES:
                continue
            if is_in_search(path, root, self._exclude, self._include):
                self._take(path, root, status_in(status, name, member), is_linked=is_linked, place=place)

    def _judge(self, path: Path, root: Path, status: os.stat_result, *, is_linked: bool) -> None:
        """Takes a file that may be a video, and counts any other."""
        try:
            if is_shard_name(path) and holds_videos(path, VIDEO_SUFFIXES):
                self._search_shard(path, root, status, is_linked=is_linked or path.is_symlink())
                return
        except OSError:
            self.unreadable_folders.add(path)
            return
        verdict = judge(path, status.st_size)
        is_wanted_copy = verdict == "low_resolution" and matches(path, root, self._include)
        if verdict == "video" or is_wanted_copy:
            self._take(path, root, status, is_linked=is_linked or path.is_symlink())
        else:
            self.skipped[verdict] += 1

    def _status(self, path: Path) -> os.stat_result | None:
        """The status of a path, links followed; None if it leads nowhere or is not visible."""
        try:
            return path.stat()
        except OSError as error:
            if error.errno not in LEADS_NOWHERE:
                self.unreadable_folders.add(path.parent)
            return None

    def _take(
        self, path: Path, root: Path, status: os.stat_result, *, is_linked: bool, place: Path | None = None
    ) -> None:
        """Lists a video; `place` is the real folder with its files, if that is another than the one above its path."""
        identity = _identity(path, status)
        _, known_is_linked = self._files.get(identity, (None, True))
        if identity not in self._files or (known_is_linked and not is_linked):
            real_folder = Path(os.path.realpath(path)).parent if is_linked else path.parent
            mount, keeps_inodes = self._place_of(place or real_folder)
            on_other_device = status.st_dev != self._devices[root]
            file = replace(VideoFile.seen(path, status), on_other_device=on_other_device, mount=mount)
            self._files[identity] = (file if keeps_inodes else replace(file, inode=0)), is_linked

    def _place_of(self, folder: Path) -> tuple[MountIdentity | None, bool]:
        """The mount of a folder, None if it has disappeared; and whether files there keep their inode number."""
        if folder not in self._places:
            real = os.path.realpath(folder)
            try:
                self._places[folder] = self._mounts.mount_of(real), not self._mounts.renumbers_files(real)
            except OSError:
                return None, True
        return self._places[folder]


def _identity(path: Path, status: os.stat_result) -> Inode | Path:
    """The same for all paths to one file; on network disks without file numbers, the path."""
    return (status.st_dev, status.st_ino) if status.st_ino else path
