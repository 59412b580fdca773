"""One process at a time trains in the folder of a run: a lock, which the system frees however its holder dies."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from vifi_cli.disk.process_lock import LocksUnsupported, LockTaken, ProcessLock, holder_in_words
from vifi_cli.errors import InvalidInput

LOCK_FILE, HOLDER_FILE = ".lock", ".lock-holder.json"


@contextmanager
def training_lock(folder: Path, warn: Callable[[str], None]) -> Generator[None]:
    """Hold the right to train in a folder, which must exist; where files cannot be locked, only warn.

    Raises:
        InvalidInput: another process trains in it.
    """
    with ExitStack() as held:
        try:
            held.enter_context(_lock_of(folder).held())
        except LockTaken as error:
            raise InvalidInput(
                f"{error.holder} trains in {folder}: wait until it is done, or stop it; `vifi runs` shows it"
            ) from error
        except LocksUnsupported:
            warn(f"the file system of {folder} cannot lock files: do not start a second run in it")
        # while it is held: another process that waits for it checks whether it is still there
        held.callback(remove_lock, folder)
        yield


def trainer_of(folder: Path) -> str:
    """The process that trains in a folder now, in words; empty if none does."""
    facts = _lock_of(folder).note_of_holder()
    return holder_in_words(facts) if facts else ""


def is_kept(file: Path) -> bool:
    """Whether a file in a folder is more than the lock."""
    return file.name not in (LOCK_FILE, HOLDER_FILE)


def remove_lock(folder: Path) -> None:
    """Remove the files of a lock that this process holds, or that nobody does."""
    for name in (HOLDER_FILE, LOCK_FILE):
        with suppress(OSError):  # such as Windows, while it is held
            (folder / name).unlink(missing_ok=True)


def _lock_of(folder: Path) -> ProcessLock:
    return ProcessLock(folder / LOCK_FILE, folder / HOLDER_FILE)
