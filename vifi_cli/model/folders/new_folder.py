"""Folders that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vifi_cli.errors import InvalidInput


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write to, which takes its name when all went well and is removed when not.

    Raises:
        InvalidInput: there is something under this name already.
        OSError: it cannot be made.
    """
    if folder.is_symlink() or folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InvalidInput(f"{folder} is there already, and not empty: name a new folder with --output")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if folder.is_dir():
            folder.rmdir()
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
