"""Where vifi keeps its files, how user paths are read, and how files are replaced safely."""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path


def data_folder() -> Path:
    """The folder of everything vifi keeps: `$VIFI_HOME`, or the platform's data folder."""
    home = os.environ.get("VIFI_HOME")
    return Path(home).expanduser().absolute() if home else user_data_path("vifi", appauthor=False)


def index_folder() -> Path:
    """The folder of the catalog (the truth) and of the vector files (its cache)."""
    return data_folder() / "index"


def cache_folder() -> Path:
    """The folder of what can be rebuilt: compiled encoders, query embeddings."""
    return data_folder() / "cache"


def given_path(path: Path | str) -> Path:
    """The absolute form of a path the user gave: `~` and `..` resolved, links kept."""
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 - resolve() would follow links


def root_of(path: Path, roots: Collection[Path]) -> Path | None:
    """The innermost of the roots at or above a path; None outside all."""
    return next((folder for folder in (path, *path.parents) if folder in roots), None)


def slug(name: str) -> str:
    """A name for a folder, from the last part of a path."""
    return re.sub(r"\W+", "-", Path(name).stem or name).strip("-").lower() or "run"


def write_obstacle(folder: Path) -> str:
    """Why a folder, which may not exist yet, is not writable; empty if it is."""
    nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} is not writable"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yields a temporary path to write to, then replaces the target with it atomically.

    If writing fails (disk full, interrupted), the target stays as it was.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Writes a file, in a new folder if need be; replaces an existing file when the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
