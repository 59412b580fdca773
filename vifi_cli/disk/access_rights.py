"""Who may read what vifi keeps: the owner alone, until the owner gives others more rights.

The folders that vifi makes are private. Inside, new folders and files take the rights of their folder, so that you can
share an index with `chmod`, and it stays shared.
"""

import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o700
NOTE_FILE = ".access-rights"
NOTE = """\
vifi has looked at the access rights of this folder, which are its owner's alone unless it was shared before.
To share it, give others more rights:

    chmod -R g+rX FOLDER

vifi does not take them back, and new files get the same rights as the folder they are in.
"""


def make_folder(folder: Path, mode: int = PRIVATE) -> None:
    """Makes a folder with these rights, whatever the umask; its parents get the usual ones, an existing one its own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        folder.mkdir(PRIVATE, exist_ok=True)  # another process may just have made it
        _change_mode(folder, mode)
        give_to_owner(folder)


def folder_mode(folder: Path) -> int | None:
    """The rights of a folder, with the bit that passes its group on; None if it is absent."""
    try:
        return folder.stat().st_mode & 0o2777
    except OSError:
        return None


def file_mode(folder: Path) -> int:
    """The rights of new files in a folder: its own, without those that only folders have; none is for all to write."""
    mode = folder_mode(folder)
    return (PRIVATE if mode is None else mode) & 0o664


def create_file(path: Path, mode: int | None = None) -> None:
    """Makes an empty file, unless there is one, with these rights or those of its folder.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _change_mode(path, file_mode(path.parent) if mode is None else mode)
        give_to_owner(path)


def give_to_owner(path: Path) -> None:
    """Gives what root has made in the folder of another user to that user, who could not use it otherwise."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    with suppress(OSError):  # not every file system has owners
        owner = path.parent.stat()
        if owner.st_uid != 0 and not owner.st_mode & stat.S_ISVTX:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def is_shared_on_purpose(folder: Path) -> bool:
    """Whether a folder has rights for a group or for certain users that no umask gives: somebody has set them."""
    status = folder.stat()
    if sys.platform == "win32" or is_open_to_all(folder):
        return False
    if status.st_mode & stat.S_ISGID or _has_access_list(folder):
        return True
    # with a umask of 002, each user has a group of their own
    return bool(status.st_mode & stat.S_IWGRP) and status.st_gid != os.getgid()


def is_open_to_all(folder: Path) -> bool:
    """Whether anybody can write to a folder, such as `/tmp`; what vifi keeps in it is still private."""
    return bool(folder.stat().st_mode & (stat.S_ISVTX | stat.S_IWOTH))


def is_of_user(folder: Path) -> bool:
    """Whether a folder belongs to the user, or would if it were made; root counts every folder as its own."""
    if sys.platform == "win32" or os.getuid() == 0:
        return True
    try:
        return folder.stat().st_uid == os.getuid()
    except OSError:
        return True


def can_others_change(file: Path) -> bool:
    """Whether another user than root and this one can change a file, by its owner and its rights."""
    if not hasattr(os, "getuid"):
        return False
    status = file.stat()
    return status.st_uid not in (0, os.getuid()) or bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def narrow_once(folder: Path, own_names: Iterable[str]) -> None:
    """Takes others' rights to a data folder that an earlier version made, and notes that this has been done.

    Where the folder also holds files of others, or anybody can write to it, only those with names of vifi's own are
    narrowed. Nothing is changed if somebody has shared the folder on purpose, or if it belongs to another user.
    """
    note = folder / NOTE_FILE
    if sys.platform == "win32" or note.exists():
        return
    with suppress(OSError):
        if folder.stat().st_uid != os.getuid():
            return
        if not is_shared_on_purpose(folder):
            names = set(own_names)
            if not is_open_to_all(folder) and {entry.name for entry in os.scandir(folder)} <= names:
                _change_mode(folder, PRIVATE)
            for name in sorted(names):
                _narrow(folder / name)
        create_file(note, 0o600)
        note.write_text(NOTE, encoding="utf-8")


def _narrow(path: Path) -> None:
    """Leaves the rights of the owner to a file or folder and all below it; links stay as they are."""
    if path.is_symlink() or not path.exists():
        return
    _take_from_others(path)
    for parent, folders, files in os.walk(path):
        for name in (*folders, *files):
            if not (below := Path(parent, name)).is_symlink():
                _take_from_others(below)


def _take_from_others(path: Path) -> None:
    _change_mode(path, stat.S_IMODE(path.stat().st_mode) & ~0o077)


def _change_mode(path: Path, mode: int) -> None:
    # some file systems have no access rights, and a mounted volume may belong to another user
    with suppress(OSError):
        path.chmod(mode)


def _has_access_list(folder: Path) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return "system.posix_acl_access" in os.listxattr(folder)
    except OSError:
        return False
