"""Dropping from the index what the user no longer wants in it; video files are never touched."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog import Catalog
from vifi_cli.index.changes import is_reachable


@dataclass(frozen=True, slots=True)
class Prunable:
    """What a pruning would drop.

    Attributes:
        videos: indexed videos.
        failures: remembered files that could not be read.
        roots: folders that `vifi index` without arguments would no longer look at.
    """

    videos: tuple[Path, ...]
    failures: tuple[Path, ...]
    roots: tuple[Path, ...]

    def __bool__(self) -> bool:
        return bool(self.videos or self.failures or self.roots)


def find_prunable(catalog: Catalog, below: Sequence[Path] = ()) -> Prunable:
    """Finds what lies at or below the given paths or, without any, everything whose file is gone.

    Without paths, what lies below a folder that is missing or empty stays: its disk may only be unplugged.
    """
    videos = [video.path for video in catalog.videos()]
    failures = [failed.file.path for failed in catalog.failures()]
    if not below:
        reachable = [root for root in catalog.roots() if is_reachable(root)]
        return Prunable(_gone(videos, reachable), _gone(failures, reachable), ())
    return Prunable(
        _at_or_below(videos, below), _at_or_below(failures, below), _at_or_below(catalog.roots(), below)
    )


def prune(catalog: Catalog, prunable: Prunable) -> None:
    """Drops it, in one transaction, and gives the space back to the disk."""
    catalog.forget((*prunable.videos, *prunable.failures), roots=prunable.roots)
    catalog.compact()


def _gone(paths: list[Path], reachable_roots: list[Path]) -> tuple[Path, ...]:
    return tuple(path for path in _at_or_below(paths, reachable_roots) if not os.path.lexists(path))


def _at_or_below(paths: list[Path], folders: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(path for path in paths if any(path.is_relative_to(folder) for folder in folders))
