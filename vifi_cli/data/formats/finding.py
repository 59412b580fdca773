"""Finds listed videos on disk: where they are listed, as another system or computer spells it, or by their names."""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from vifi_cli.data.class_names import class_key
from vifi_cli.data.formats.folders.video_tree import VideoTree
from vifi_cli.data.formats.listing import Listing
from vifi_cli.paths import given_path
from vifi_cli.video.files.content import is_there
from vifi_cli.video.files.virtual.frame_folders import holds_frames
from vifi_cli.video.files.virtual.tar_shards import split_at_shard

_DRIVE = re.compile(r"[A-Za-z]:(?=/)|//[^/]+(?=/)")  # of Windows, and a server of its network


class VideoFinder:
    r"""Finds the files of a list under some folders.

    A file that is not where it is listed may have `\` between folders, or be listed by an absolute path of another
    computer; then the end of the path decides, with at least its folder. With `by_name`, the file name decides last.
    """

    def __init__(self, bases: Sequence[Path], listing: Listing, *, by_name: bool) -> None:
        self._bases = tuple(base.absolute() for base in bases)
        self._by_name = by_name
        self._trees: list[VideoTree] = []
        self._classes = frozenset(map(class_key, listing.class_names))
        self._folders = frozenset(
            class_key(PurePosixPath(_as_posix(video.file)).parent.name) for video in listing.videos
        )
        self._are_sorted = False  # whether the disk has folders of the list
        self.moved: set[str] = set()  # absolute paths that are elsewhere here

    def find(self, file: str, class_name: str) -> Path | None:
        """The file that a list means, whose class has a name; None if it is missing."""
        if path := _beside(self._bases, file):
            return path
        if (posix := _as_posix(file)) != file and (path := _beside(self._bases, posix)):
            return path
        if posix.startswith("/") and (path := self._elsewhere(posix)):
            self.moved.add(file)
            return path
        return self._named(posix, class_name) if self._by_name else None

    def _elsewhere(self, file: str) -> Path | None:
        parts = PurePosixPath(file).parts[1:]
        for start in range(len(parts)):
            rest, folder = parts[start:], parts[:start][-1:]
            bases = self._bases if len(rest) > 1 else [base for base in self._bases if (base.name,) == folder]
            if path := _beside(bases, "/".join(rest)):
                return path
        return None

    def _named(self, file: str, class_name: str) -> Path | None:
        if not self._trees:
            self._trees = [VideoTree(base) for base in self._bases]
            names = self._folders - {""}
            self._are_sorted = any(tree.has_folder(name) for tree in self._trees for name in names)
        others = self._classes | self._folders
        for tree in self._trees:
            if found := tree.find(file, class_name):
                parent = class_key(PurePosixPath(file).parent.name)
                own = {class_key(class_name), parent}
                folders = {class_key(name) for name in found.relative_to(tree.root).parts[:-1]}
                if folders & own or not (folders & others or (parent and self._are_sorted)):
                    return found
        return None


def _as_posix(file: str) -> str:
    if "\\" not in file:
        return file
    return _DRIVE.sub("", file.replace("\\", "/"), count=1)


def _beside(bases: Sequence[Path], file: str) -> Path | None:
    listed = [base / file for base in bases]
    candidates = [*listed, *map(given_path, listed)]  # as it is spelled, and else as on disk
    return next(filter(_is_video, candidates), None)


def _is_video(path: Path) -> bool:
    """Whether a file, a folder of frames or a member of a shard is at a path."""
    if os.path.isfile(path) or holds_frames(path):  # noqa: PTH113 - Path.is_file() raises for a name that is too long
        return True
    return split_at_shard(path) is not None and is_there(path)
