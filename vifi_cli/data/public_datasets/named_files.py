"""Finds the annotation files of a public set by their names."""

import re
from collections.abc import Iterable
from pathlib import Path

from vifi_cli.data.formats.folders.video_tree import VideoTree
from vifi_cli.errors import InvalidInput


def files_named(tree: VideoTree, pattern: re.Pattern[str]) -> list[Path]:
    """The text files whose names match, the first of each name."""
    return list(first_of_each_name(path for path in tree.texts if pattern.fullmatch(path.name)).values())


def first_of_each_name(files: Iterable[Path]) -> dict[str, Path]:
    """The files by their names in lower case, the first of each."""
    found: dict[str, Path] = {}
    for path in files:
        found.setdefault(path.name.lower(), path)
    return found


def file_named(tree: VideoTree, name: str) -> Path:
    """The text file of a name; raises InvalidInput without one."""
    for path in files_named(tree, re.compile(re.escape(name), re.IGNORECASE)):
        return path
    raise InvalidInput(f"{tree.root} has no {name}: it comes with the annotations, and names the classes")
