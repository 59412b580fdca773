"""The folders that the page offers to search in."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog.catalog import Catalog

MOST_FOLDERS = 300


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that a search can be limited to."""

    pattern: str  # for a `VideoFilter`; the folder itself where its name is text
    name: str
    depth: int  # how many folders it is under the indexed one
    videos: int  # how many are in it or under it


def folders(catalog: Catalog) -> list[Folder]:
    """The indexed folders and those under them, without empty ones, each followed by its own folders."""
    roots = sorted(catalog.roots())
    counts: Counter[Path] = Counter()
    for path in catalog.paths():
        parents = path.parents
        root = next((root for root in roots if root in parents), None)  # the outermost: roots are sorted
        if root is not None:
            counts.update(folder for folder in parents if folder == root or root in folder.parents)
    outermost = [folder for folder in counts if not any(parent in counts for parent in folder.parents)]
    names = Counter(folder.name for folder in outermost)
    return [_folder(path, outermost, names, counts[path]) for path in sorted(counts)][:MOST_FOLDERS]


def _folder(path: Path, outermost: Sequence[Path], names: Counter[str], videos: int) -> Folder:
    root = next(root for root in outermost if path.is_relative_to(root))
    depth = len(path.relative_to(root).parts)
    is_plain = depth or names[path.name] == 1
    return Folder(pattern_for(path), path.name if is_plain else str(path), depth, videos)


def pattern_for(folder: Path) -> str:
    """Text that means a folder and can stand in an address: bytes that are not text become `?`."""
    text = str(folder)
    if text == os.fsencode(folder).decode(errors="replace"):
        return text
    return "".join("?" if "\udc80" <= letter <= "\udcff" else _literal(letter) for letter in text)


def _literal(letter: str) -> str:
    return f"[{letter}]" if letter in "*?[" else letter
