"""One writer at a time: a lock that the operating system frees when its holder dies, and a note about the holder."""

import errno
import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from vifi_cli import paths
from vifi_cli.disk import access_rights
from vifi_cli.errors import IndexLocked, IndexProblem

PATIENCE_SECONDS = 0.3
"""`running_writer` briefly takes a lock that a dead process has left, to see that it is free."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@dataclass(frozen=True, slots=True)
class Writer:
    """A process that writes to an index, as described in its own note."""

    pid: int
    host: str
    since: str  # in ISO format
    files: int | None = None  # how many it is going to read; None until it knows
    files_done: int = 0  # how many of them are stored


@contextmanager
def write_lock(folder: Path) -> Generator[None]:
    """Holds the right to write to an index; raises IndexLocked, which names the process that holds it."""
    mode = paths.make_own_folder(folder.parent)
    access_rights.create_file(_lock_file(folder), mode)
    lock = FileLock(_lock_file(folder), mode=mode)
    try:
        lock.acquire(timeout=PATIENCE_SECONDS)
    except Timeout as error:
        raise IndexLocked(
            f"{_holder(folder)} is writing to the index in {folder}: wait until it is done, or stop it"
        ) from error
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        raise IndexProblem(
            f"the file system of {folder.parent} cannot lock files, so two runs could damage the index: "
            "set VIFI_HOME to a folder on a local disk"
        ) from error
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    try:
        with suppress(OSError):  # such as a full disk: whoever is locked out only reads less
            _write_note(folder, Writer(os.getpid(), socket.gethostname(), since))
        yield
    finally:
        with suppress(OSError):  # a note without a lock is ignored
            _holder_file(folder).unlink(missing_ok=True)
        lock.release()


def note_progress(folder: Path, files: int, files_done: int) -> None:
    """Notes for other processes how far this one, which holds the lock, has come; a failure is ignored."""
    with suppress(OSError):
        writer = _read_note(folder)
        if writer:
            _write_note(folder, replace(writer, files=files, files_done=files_done))


def running_writer(folder: Path) -> Writer | None:
    """The process that is writing to an index now; None also for the note of a killed one."""
    writer = _read_note(folder)
    if writer is None:
        return None
    lock = FileLock(_lock_file(folder), mode=access_rights.file_mode(folder.parent))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return writer
    except OSError:  # no right to look
        return None
    lock.release()
    return None


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")  # beside it: a rebuild puts another in its place


def _holder_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock-holder.json")


def _write_note(folder: Path, writer: Writer) -> None:
    with paths.replacing(_holder_file(folder), is_own=True) as unfinished:
        unfinished.write_text(json.dumps(asdict(writer)))


def _read_note(folder: Path) -> Writer | None:
    try:
        return Writer(**json.loads(_holder_file(folder).read_text()))
    # The holder has just taken the lock or is releasing it, or something else wrote the file.
    except (OSError, ValueError, TypeError):
        return None


def _holder(folder: Path) -> str:
    writer = _read_note(folder)
    if writer is None:
        return "another vifi"
    return f"process {writer.pid} on {writer.host} (since {writer.since})"
