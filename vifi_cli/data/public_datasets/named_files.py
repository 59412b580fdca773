"""Finds the annotation files of a public set by their names."""

import re
from pathlib import Path

from vifi_cli.data.formats.folders.video_tree import VideoTree
from vifi_cli.errors import InvalidInput


def files_named(tree: VideoTree, pattern: re.Pattern[str]) -> list[Path]:
    """The text files whose names match, the first of each name."""
    found: dict[str, Path] = {}
    for path in tree.texts:
        if pattern.fullmatch(path.name):
            found.setdefault(path.name.lower(), path)
    return list(found.values())


def file_named(tree: VideoTree, name: str) -> Path:
    """The text file of a name; raises InvalidInput without one."""
    for path in files_named(tree, re.compile(re.escape(name), re.IGNORECASE)):
        return path
    raise InvalidInput(f"{tree.root} has no {name}: it comes with the annotations, and names the classes")
