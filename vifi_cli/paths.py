"""Paths: where vifi keeps things on disk, what users mean by theirs, and how files are replaced safely."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path


def data_folder() -> Path:
    """The folder that holds everything vifi writes for itself: `$VIFI_HOME`, else the platform's own."""
    home = os.environ.get("VIFI_HOME")
    return Path(home).expanduser().absolute() if home else user_data_path("vifi", appauthor=False)


def index_folder() -> Path:
    """The folder of the catalogue (the truth) and of the vector files (its cache)."""
    return data_folder() / "index"


def cache_folder() -> Path:
    """The folder of things that can be made again at the cost of time: compiled encoders, query embeddings."""
    return data_folder() / "cache"


def given_path(path: Path) -> Path:
    """A path as the user means it: absolute, `~` and `..` resolved, links as they are."""
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 - resolve() would follow links


def what_forbids_writing(folder: Path) -> str:
    """Why a folder that may not be there yet cannot be written to, in words; empty if it can."""
    nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not nearest.is_dir():
        return f"{nearest} is no folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} may not be written to"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Gives a temporary path to write to, which then takes the target's place at once.

    Where writing fails, by a full disk or an interruption, the target stays as it was.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
