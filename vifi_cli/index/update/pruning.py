"""Dropping from the index what the user no longer wants in it; video files are never touched."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.update.presence import is_there, part_gone, root_of


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

    Without paths, what may only be out of reach stays (see `presence`).
    """
    videos = catalog.videos()
    failures = [failed.file.path for failed in catalog.failures()]
    roots = catalog.roots()
    if below:
        paths = [video.path for video in videos]
        return Prunable(_at_or_below(paths, below), _at_or_below(failures, below), _at_or_below(roots, below))
    absent_videos = [(video.path, video.on_other_device) for video in videos if not is_there(video.path)]
    absent_failures = [(path, False) for path in failures if not is_there(path)]
    gone, _ = part_gone(absent_videos, set(roots))
    gone_failures, _ = part_gone(absent_failures, set(roots))
    return Prunable(tuple(gone), tuple(gone_failures), ())


def prune(catalog: Catalog, prunable: Prunable) -> None:
    """Drops it, in one transaction, and gives the space back to the disk."""
    catalog.forget((*prunable.videos, *prunable.failures), roots=prunable.roots)
    catalog.compact()


def _at_or_below(paths: list[Path], folders: Sequence[Path]) -> tuple[Path, ...]:
    asked = set(folders)
    return tuple(path for path in paths if root_of(path, asked))
