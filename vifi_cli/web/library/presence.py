"""Whether the file of an indexed video can be read now."""

import os
import stat
from pathlib import Path

GONE = "This file is not where it was. Is its disk plugged in?"
UNREADABLE = "This file cannot be opened."


def why_out_of_reach(path: Path) -> str | None:
    """What keeps a file from being read, in words for the user; None if nothing does."""
    try:
        # a pipe or a device in the place of a video must not make the server wait
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return GONE
    except OSError:
        return UNREADABLE
    try:
        return None if stat.S_ISREG(os.fstat(descriptor).st_mode) else GONE
    finally:
        os.close(descriptor)
