"""One writer at a time: a lock that the operating system frees when its holder dies, and who holds it."""

import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from vifi_cli.errors import IndexLocked


@contextmanager
def write_lock(folder: Path) -> Generator[None]:
    """Holds the right to write to an index.

    Raises:
        IndexLocked: another process holds it; the text names the process and since when.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))  # beside it: a rebuild puts another in its place
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise IndexLocked(
            f"{_holder(folder)} is writing to the index in {folder}: wait until it is done, or stop it"
        ) from error
    holder = _holder_file(folder)
    try:
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        holder.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": started}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock-holder.json")


def _holder(folder: Path) -> str:
    try:
        holder = json.loads(_holder_file(folder).read_text())
        return f"process {holder['pid']} on {holder['host']} (since {holder['since']})"
    except (OSError, ValueError, KeyError):  # it has only just taken the lock, or is giving it back
        return "another vifi"
