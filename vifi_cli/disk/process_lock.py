"""A lock that one process holds, and a note about the holder; the system frees it, however its holder dies."""

import errno
import json
import os
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vifi_cli.disk import access_rights
from vifi_cli.disk.replacement import replacement

PATIENCE_SECONDS = 0.3
"""`note_of_holder` briefly takes a lock that a dead process has left, to see that it is free."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class LockTaken(Exception):
    """Another process holds the lock; `holder` names it as `holder_in_words` does."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


class LocksUnsupported(Exception):
    """The file system cannot lock files."""


@dataclass(frozen=True, slots=True)
class ProcessLock:
    """A lock and the note of its holder, in two files of one folder."""

    file: Path
    note: Path

    @contextmanager
    def held(self, mode: int | None = None) -> Generator[None]:
        """Holds the lock; new files get these rights, or those of their folder.

        Raises:
            LockTaken: another process holds it.
            LocksUnsupported: nobody can.
        """
        access_rights.create_file(self.file, mode)
        lock = self._lock(mode)
        try:
            lock.acquire(timeout=PATIENCE_SECONDS)
        except Timeout as error:
            raise LockTaken(holder_in_words(self.read_note())) from error
        except (NotImplementedError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise
            raise LocksUnsupported from error
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            with suppress(OSError):  # such as a full disk: whoever is locked out only reads less
                self.write_note({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
            yield
        finally:
            with suppress(OSError):  # a note without a lock is ignored
                self.note.unlink(missing_ok=True)
            lock.release()

    def write_note(self, facts: Mapping[str, Any]) -> None:
        """Replaces the note; only for the holder."""
        with replacement(
            self.note, access_rights.file_mode(self.note.parent), is_lasting=False
        ) as unfinished:
            unfinished.write_text(json.dumps(facts))
            access_rights.give_to_owner(unfinished)

    def read_note(self) -> dict[str, Any] | None:
        """The note, also that of a killed process; None if there is none that makes sense."""
        try:
            facts = json.loads(self.note.read_text())
        # the holder has just taken the lock or is releasing it, or something else wrote the file
        except (OSError, ValueError):
            return None
        return facts if isinstance(facts, dict) else None

    def note_of_holder(self) -> dict[str, Any] | None:
        """The note of the process that holds the lock now; None also for the note of a killed one."""
        facts = self.read_note()
        if facts is None:
            return None
        try:
            lock = self._lock()
            lock.acquire(blocking=False)
        except Timeout:
            return facts
        except (NotImplementedError, OSError):  # no right to look, or no locks
            return None
        lock.release()
        return None

    def _lock(self, mode: int | None = None) -> FileLock:
        return FileLock(self.file, mode=access_rights.file_mode(self.file.parent) if mode is None else mode)


def holder_in_words(facts: Mapping[str, Any] | None) -> str:
    """A process by its note: `process 12 on desk (since 2026-11-30T10:00:00+00:00)`."""
    match facts:
        case {"pid": pid, "host": host, "since": since}:
            return f"process {pid} on {host} (since {since})"
    return "another vifi"
