"""Drops videos from the index that the user no longer wants in it; never touches video files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import write_lock
from vifi_cli.index.update.presence import is_there, part_gone
from vifi_cli.index.update.rebuild import rebuild_folder
from vifi_cli.index.vectors import open_vectors
from vifi_cli.paths import root_of


@dataclass(frozen=True, slots=True)
class Prunable:
    """The entries of an index that can be dropped."""

    videos: tuple[Path, ...]
    failures: tuple[Path, ...]  # remembered files that could not be read
    roots: tuple[Path, ...]  # folders that `vifi index` without arguments then ignores

    def __bool__(self) -> bool:
        return bool(self.videos or self.failures or self.roots)


def find_prunable(catalog: Catalog, below: Sequence[Path] = ()) -> Prunable:
    """Finds everything at or under the given paths or, without any, everything whose file is gone.

    Without paths, files that may only be out of reach stay (see `presence`).
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


def prune_index(
    folder: Path, below: Sequence[Path] = (), confirm: Callable[[Prunable], bool] = bool
) -> Prunable:
    """Drops the entries that `find_prunable` finds, if `confirm` agrees, and returns them.

    Raises:
        IndexLocked: another process is writing to the index.
    """
    with write_lock(folder), Catalog(folder / CATALOG_FILE) as catalog:
        found = find_prunable(catalog, below)
        if confirm(found):
            _drop(catalog, found)
            open_vectors(catalog)
            if (unfinished := rebuild_folder(folder) / CATALOG_FILE).exists():
                with Catalog(unfinished) as rebuilt:  # or finishing it would bring back what is dropped here
                    _drop(rebuilt, find_prunable(rebuilt, [*below, *found.videos]))
    return found


def _drop(catalog: Catalog, prunable: Prunable) -> None:
    catalog.forget((*prunable.videos, *prunable.failures), roots=prunable.roots)
    catalog.compact()


def _at_or_below(paths: list[Path], folders: Sequence[Path]) -> tuple[Path, ...]:
    asked = set(folders)
    return tuple(path for path in paths if root_of(path, asked))
