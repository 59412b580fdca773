"""Which files and folders a search skips by their names, and what the user's patterns change about it."""

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from vifi_cli.paths import unicode_form
from vifi_cli.video.files.recognition import is_system_folder


def reason_to_skip(
    path: Path, root: Path, exclude: Sequence[str] = (), include: Sequence[str] = ()
) -> str | None:
    """Why a search skips a path by its name alone, if it does; it is not looked at, since that may fail."""
    if matches(path, root, exclude):
        return "excluded"
    is_left_out = path.name.startswith(".") or is_system_folder(path.name)
    if not is_left_out or matches(path, root, include):
        return None
    return "system_folder" if is_system_folder(path.name) else "hidden"


def is_in_search(path: Path, root: Path, exclude: Sequence[str] = (), include: Sequence[str] = ()) -> bool:
    """Whether a search of a root would come to a path under it."""
    parts = [path, *path.parents][: len(path.parts) - len(root.parts)]
    return all(reason_to_skip(part, root, exclude, include) is None for part in parts)


def matches(path: Path, root: Path, patterns: Sequence[str]) -> bool:
    """Whether a pattern matches the name of a path, its place under the root, or all of it."""
    if not patterns:
        return False
    names = [unicode_form(name) for name in (path.name, path.relative_to(root), path)]
    return any(fnmatch.fnmatchcase(name, unicode_form(pattern)) for pattern in patterns for name in names)
