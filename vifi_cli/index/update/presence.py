"""Whether a file that was not found is gone, or only out of reach: a disk may be unplugged, a folder unreadable."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from vifi_cli.paths import root_of


def is_there(path: Path) -> bool:
    """Whether a path leads to a regular file that can be seen."""
    return _sight(path) == "file"


def part_gone(paths: Iterable[tuple[Path, bool]], roots: set[Path]) -> tuple[list[Path], dict[Path, Path]]:
    """Splits missing files into those gone and those out of reach, with the folder under which nothing is visible.

    Each file comes with whether it was on another disk than the root it was found under; `roots` are all folders and
    files that were ever indexed.
    """
    gone: list[Path] = []
    out_of_reach: dict[Path, Path] = {}
    for path, on_other_device in paths:
        folder = _hidden_behind(path, roots, on_other_device)
        if folder is None:
            gone.append(path)
        else:
            out_of_reach[path] = folder
    return gone, out_of_reach


def _hidden_behind(path: Path, roots: set[Path], on_other_device: bool) -> Path | None:
    """The folder behind which a file may still exist, or None if it is gone for good.

    That folder is a root that is missing or empty, as the mount point of an unplugged disk is; a link that leads
    nowhere or to an empty folder; a folder that cannot be read; or, for a file that was on another disk than
    its root, the one where that disk was mounted.
    """
    root = root_of(path.parent, roots) or path.parent
    sight = _sight(path)
    if sight != "nowhere":
        return path.parent if sight == "unseen" else None
    if path.is_symlink():
        return path
    for folder in path.parents:
        sight = _sight(folder)
        is_door = folder == root or folder.is_symlink()
        if sight == "unseen" or (is_door and (sight != "other" or _is_empty(folder))):
            return folder
        if sight == "other":
            return folder if on_other_device and _device(folder) == _device(root) else None
    return None


def _sight(path: Path) -> Literal["file", "other", "nowhere", "unseen"]:
    """The kind of file that a path leads to, links followed; `unseen` where the file system does not say."""
    try:
        return "file" if stat.S_ISREG(path.stat().st_mode) else "other"
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
