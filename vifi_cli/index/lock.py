"""One writer at a time: a lock that the operating system frees when its holder dies, and the holder's name."""

import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from vifi_cli.errors import IndexLocked

LOCK_FILE = "lock"
HOLDER_FILE = "lock-holder.json"


@contextmanager
def write_lock(folder: Path) -> Generator[None]:
    """Holds the right to write to an index.

    Raises:
        IndexLocked: another process holds it; the text names the process and since when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise IndexLocked(
            f"{_holder(folder)} is writing to the index in {folder}: wait until it is done, or stop it"
        ) from error
    holder = folder / HOLDER_FILE
    try:
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        holder.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": started}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / HOLDER_FILE).read_text())
        return f"process {holder['pid']} on {holder['host']} (since {holder['since']})"
    except (OSError, ValueError, KeyError):  # it has only just taken the lock, or is giving it back
        return "another vifi"
