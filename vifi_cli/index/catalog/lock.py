"""One writer at a time: who writes to an index, and how far that process has come."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vifi_cli import paths
from vifi_cli.disk.process_lock import LocksUnsupported, LockTaken, ProcessLock
from vifi_cli.errors import IndexLocked, IndexProblem


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
    try:
        with _lock_of(folder).held(mode):
            yield
    except LockTaken as error:
        raise IndexLocked(
            f"{error.holder} is writing to the index in {folder}: wait until it is done, or stop it"
        ) from error
    except LocksUnsupported as error:
        raise IndexProblem(
            f"the file system of {folder.parent} cannot lock files, so two runs could damage the index: "
            "set VIFI_HOME to a folder on a local disk"
        ) from error


def note_progress(folder: Path, files: int, files_done: int) -> None:
    """Notes for other processes how far this one, which holds the lock, has come; a failure is ignored."""
    lock = _lock_of(folder)
    with suppress(OSError):
        if writer := _as_writer(lock.read_note()):
            lock.write_note(asdict(replace(writer, files=files, files_done=files_done)))


def running_writer(folder: Path) -> Writer | None:
    """The process that is writing to an index now; None also for the note of a killed one."""
    return _as_writer(_lock_of(folder).note_of_holder())


def _lock_of(folder: Path) -> ProcessLock:
    """The lock beside an index: a rebuild puts another in its place."""
    return ProcessLock(
        folder.with_name(f"{folder.name}.lock"), folder.with_name(f"{folder.name}.lock-holder.json")
    )


def _as_writer(facts: dict[str, Any] | None) -> Writer | None:
    try:
        return None if facts is None else Writer(**facts)
    except TypeError:  # something else wrote the file
        return None
