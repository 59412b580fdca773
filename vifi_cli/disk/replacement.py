"""Replaces files: the new content is written beside the old one, and takes its name when it is complete.

Temporary names are random, and files are created exclusively, so that nobody who can write to the folder can prepare a
link in their place. Their maker holds a lock on them, so that those of killed processes can be recognized.
"""

import atexit
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from vifi_cli.disk.mounts import machines_share

if sys.platform != "win32":
    import fcntl

SUFFIX = ".part"
UNLOCKED_SECONDS = 3600.0
"""Where locks mean nothing, a temporary file that nobody has written to for so long is abandoned."""

COMPANIONS = ("-journal", "-wal", "-shm")
"""The ends of the names of files that SQLite keeps beside a database."""

_OURS = re.compile(r"\..+\.vifi-[0-9a-f]{16}\.part(?:-journal|-wal|-shm)?")
_EARLIER = re.compile(r"\..+\.\d+\.part|vectors-.+\.\d+\.tmp|catalog\.new(-journal)?")  # of vifi before this
_NAME_BYTES = 200  # of the target's name, of the 255 that a file system takes
_CAN_LOCK = sys.platform != "win32"  # on Windows, an open file can be neither renamed nor removed
_UNFINISHED: set[Path] = (
    set()
)  # files that are being written now; threads are not waited for at the end of a command


@contextmanager
def replacement(target: Path, mode: int | None = None, *, is_lasting: bool = True) -> Iterator[Path]:
    """Yields a temporary file to write to, then replaces the target with it atomically.

    If writing fails (disk full, interrupted), the target stays as it was, and the temporary file is removed. An
    existing target keeps its access rights; a link is replaced, not followed. A new file gets `mode`, or what the umask
    leaves. A crash of the machine may damage a file that is not lasting, which saves the wait for the disk.

    Raises:
        OSError: the target cannot be replaced, or is neither a file nor a link.
    """
    mode = _mode_of(target, mode)
    with temporary_file(target, mode) as temporary:
        try:
            yield temporary
            _complete(temporary, mode, is_lasting=is_lasting)
        except OSError as error:
            if (named := _naming_target(error, temporary, target)) is not None:
                raise named from error
            raise
        temporary.replace(target)


@contextmanager
def temporary_file(target: Path, mode: int | None = None) -> Iterator[Path]:
    """Yields a new, empty file beside the target; it is removed at the end, unless you have renamed it."""
    _remove_abandoned_once(target.parent)
    temporary, lock = _create(target, lambda path: _create_file(path, mode))
    _UNFINISHED.add(temporary)
    try:
        yield temporary
    finally:
        _close(lock)
        remove_with_companions(temporary)
        _UNFINISHED.discard(temporary)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yields a temporary folder to fill, which takes the name of an absent or empty one; removed if that fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder, 0o777) as temporary:
        yield temporary
        if folder.is_dir():
            folder.rmdir()
        temporary.replace(folder)
        save_names(folder.parent)


@contextmanager
def temporary_folder(target: Path, mode: int = 0o700) -> Iterator[Path]:
    """Yields a new, empty folder beside the target; it is removed at the end, unless you have renamed it."""
    _remove_abandoned_once(target.parent)
    temporary, lock = _create(target, lambda path: _create_folder(path, mode))
    try:
        yield temporary
    finally:
        _close(lock)
        shutil.rmtree(temporary, ignore_errors=True)


def remove_abandoned(folder: Path, *, earlier: bool = False) -> None:
    """Removes the temporary files and folders that killed processes have left in a folder.

    `earlier` means also those of earlier versions, whose names say less: only for folders that are vifi's own.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            is_ours = _OURS.fullmatch(entry.name) is not None
            if is_ours or (earlier and _EARLIER.fullmatch(entry.name)):
                with suppress(OSError):
                    _remove_if_abandoned(Path(entry.path), may_be_locked=is_ours)


def remove_with_companions(database: Path) -> None:
    """Removes a file, if it is there, and what SQLite may have left beside it."""
    for end in ("", *COMPANIONS):
        database.with_name(f"{database.name}{end}").unlink(missing_ok=True)


@atexit.register
def remove_unfinished() -> None:
    """Removes the temporary files that threads are writing when this process ends without waiting for them."""
    for temporary in tuple(_UNFINISHED):
        with suppress(OSError):
            remove_with_companions(temporary)


def save_names(folder: Path) -> None:
    """Makes sure that a crash of the machine does not undo what was just renamed in a folder."""
    if sys.platform == "win32":  # has no such call, and needs none
        return
    with suppress(OSError):  # some file systems refuse
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@cache
def _remove_abandoned_once(folder: Path) -> None:
    """Once per process, since a folder may hold many files and get many more."""
    remove_abandoned(folder)


def _mode_of(target: Path, otherwise: int | None) -> int | None:
    try:
        status = target.lstat()
    except OSError:
        return otherwise
    if stat.S_ISREG(status.st_mode):
        return stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISLNK(status.st_mode):
        return otherwise
    raise OSError(errno.EINVAL, "This is not a file that can be replaced", str(target))


def _create(target: Path, make: Callable[[Path], int | None]) -> tuple[Path, int | None]:
    """A new file or folder beside the target, and a descriptor that holds its lock."""
    name = os.fsencode(target.name)[:_NAME_BYTES].decode(sys.getfilesystemencoding(), "ignore")
    while True:
        path = target.with_name(f".{name}.vifi-{secrets.token_hex(8)}{SUFFIX}")
        try:
            descriptor = make(path)
        except FileExistsError:  # somebody has guessed the name
            continue
        except OSError as error:
            if (named := _naming_target(error, path, target)) is not None:
                raise named from error
            raise
        if descriptor is None or not _is_lockable(path.parent):
            return path, descriptor
        with suppress(OSError):
            _lock(descriptor, waits=True)
        if _is_still(path, descriptor):
            return path, descriptor
        os.close(descriptor)  # somebody who cleans up took it for abandoned before it was locked


def _create_file(path: Path, mode: int | None) -> int | None:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o666 if mode is None else 0o600)
    _give_mode(descriptor, None if mode is None else mode | 0o600)  # its writers must be able to open it
    if _CAN_LOCK:
        return descriptor
    os.close(descriptor)
    return None


def _create_folder(path: Path, mode: int) -> int | None:
    path.mkdir(mode)
    return os.open(path, os.O_RDONLY) if _CAN_LOCK else None


def _is_lockable(folder: Path) -> bool:
    """Whether a lock is for those who look at it alone; on some network shares it also keeps writers out."""
    return _CAN_LOCK and not machines_share(folder)


def _lock(descriptor: int, *, waits: bool) -> None:
    """Locks an open file or folder; raises BlockingIOError, unless it waits, while somebody else does."""
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _complete(temporary: Path, mode: int | None, *, is_lasting: bool) -> None:
    """Saves the content, and gives the file its access rights; fails if it is not a file any more."""
    descriptor = os.open(temporary, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        _give_mode(descriptor, mode)
        if is_lasting:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _naming_target(error: OSError, temporary: Path, target: Path) -> OSError | None:
    """The error with the file that somebody asked for, if the system names the temporary one, or none."""
    is_unnamed = error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if error.errno is not None and (is_unnamed or str(error.filename) == str(temporary)):
        return OSError(error.errno, error.strerror, str(target))  # a new one, since PyAV's cannot be changed
    return None


def _give_mode(descriptor: int, mode: int | None) -> None:
    if mode is not None and hasattr(os, "fchmod"):
        with suppress(OSError):  # some file systems have no access rights
            os.fchmod(descriptor, mode)


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _remove_if_abandoned(path: Path, *, may_be_locked: bool) -> None:
    status = path.lstat()
    database = _database_of(path)
    if database != path and database.exists():
        return  # it goes with its database
    can_tell = may_be_locked and database == path and not stat.S_ISLNK(status.st_mode)
    if can_tell and _is_lockable(path.parent):
        with _locked(path):
            _remove(path)
    elif time.time() - status.st_mtime > UNLOCKED_SECONDS:
        _remove(path)


def _database_of(path: Path) -> Path:
    """The file that a companion belongs to; any other file itself."""
    ends = (end for end in COMPANIONS if path.name.endswith(end))
    return path.with_name(path.name.removesuffix(next(ends, "")))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds the lock of a temporary file; raises BlockingIOError while its maker is at work."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    try:
        _lock(descriptor, waits=False)
        yield
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        remove_with_companions(path)
