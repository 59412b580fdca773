"""Drops videos from the index that the user no longer wants in it; never touches video files."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import write_lock
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.update.presence import part_gone
from vifi_cli.index.update.rebuild import rebuild_folder
from vifi_cli.index.vectors import open_vectors
from vifi_cli.paths import root_of, unicode_form
from vifi_cli.video.files.content import is_there
from vifi_cli.video.files.skipping import is_in_search


@dataclass(frozen=True, slots=True)
class Prunable:
    """The entries of an index that can be dropped."""

    videos: tuple[Path, ...]
    failures: tuple[Path, ...]  # remembered files that could not be read
    roots: tuple[Path, ...]  # folders that `vifi index` without arguments then ignores
    video_seconds: float = 0.0  # the length of all videos

    def folders(self) -> list[tuple[Path, int]]:
        """The folders of videos and failures, each with how many it holds, the most first."""
        return Counter(path.parent for path in (*self.videos, *self.failures)).most_common()

    def __bool__(self) -> bool:
        return bool(self.videos or self.failures or self.roots)


def find_prunable(
    catalog: Catalog, below: Sequence[Path] = (), *, missing: bool = False, skipped: bool = False
) -> Prunable:
    """Finds everything at or under the given paths or, without any, everything whose file is gone, and its length.

    Without paths, files that may only be out of reach stay (see `presence`). With `missing`, it finds all whose file
    cannot be seen now, for whatever reason, and with `skipped`, all in folders that a search skips by default, such as
    trash: both under the paths if there are any.

    Raises:
        InvalidInput: both are asked for.
    """
    if missing and skipped:
        raise InvalidInput("--missing and --skipped choose different videos: give one of them")
    videos = catalog.videos()
    found = _find_prunable(catalog, videos, below, missing=missing, skipped=skipped)
    chosen = set(found.videos)
    return replace(found, video_seconds=sum(one.duration_seconds for one in videos if one.path in chosen))


def _find_prunable(
    catalog: Catalog,
    videos: Sequence[CatalogedVideo],
    below: Sequence[Path],
    *,
    missing: bool,
    skipped: bool,
) -> Prunable:
    indexed = {video.path for video in videos}
    failed = [
        known.file for known in [*catalog.failures(), *catalog.postponed()] if known.file.path not in indexed
    ]
    roots = catalog.roots()
    if skipped:
        inside = [
            [file.path for file in files if _is_skipped(file.path, roots)] for files in (videos, failed)
        ]
        return Prunable(_at_or_below(inside[0], below), _at_or_below(inside[1], below), ())
    if below and not missing:
        paths, failures = ([file.path for file in files] for files in (videos, failed))
        return Prunable(_at_or_below(paths, below), _at_or_below(failures, below), _at_or_below(roots, below))
    unseen, unseen_failures = (
        [file for file in files if not is_there(file.path)] for files in (videos, failed)
    )
    if missing:
        dropped = [_at_or_below([file.path for file in files], below) for files in (unseen, unseen_failures)]
    else:
        dropped = [tuple(part_gone(files, set(roots), videos)[0]) for files in (unseen, unseen_failures)]
    return Prunable(dropped[0], dropped[1], ())


def would_prune(
    folder: Path, below: Sequence[Path] = (), *, missing: bool = False, skipped: bool = False
) -> Prunable:
    """The entries that `prune_index` would drop; it only reads, also while another process writes to the index."""
    with Catalog(folder / CATALOG_FILE) as catalog:
        return find_prunable(catalog, below, missing=missing, skipped=skipped)


def prune_index(
    folder: Path,
    below: Sequence[Path] = (),
    confirm: Callable[[Prunable], bool] = bool,
    *,
    missing: bool = False,
    skipped: bool = False,
) -> Prunable:
    """Drops the entries that `find_prunable` finds, if `confirm` agrees, and returns them.

    Raises:
        IndexLocked: another process is writing to the index.
    """
    with write_lock(folder), Catalog(folder / CATALOG_FILE) as catalog:
        found = find_prunable(catalog, below, missing=missing, skipped=skipped)
        if confirm(found):
            _drop(catalog, found)
            open_vectors(catalog)
            if (unfinished := rebuild_folder(folder) / CATALOG_FILE).exists():
                dropped = [*found.videos, *found.failures, *(() if missing or skipped else below)]
                with Catalog(unfinished) as rebuilt:  # or finishing it would bring back what is dropped here
                    _drop(rebuilt, find_prunable(rebuilt, dropped))
    return found


def _drop(catalog: Catalog, prunable: Prunable) -> None:
    catalog.forget((*prunable.videos, *prunable.failures), roots=prunable.roots)
    catalog.compact()


def _is_skipped(path: Path, roots: Collection[Path]) -> bool:
    root = root_of(path, roots)
    return root is not None and not is_in_search(path, root)


def _at_or_below(paths: list[Path], folders: Sequence[Path]) -> tuple[Path, ...]:
    """The paths at or under the folders; all if there are none.

    A folder that holds none of them counts in any Unicode form: it may have been indexed in another.
    """
    asked = set(folders)
    found = {path for path in paths if not asked or root_of(path, asked)}
    unused = asked - {folder for path in found for folder in (path, *path.parents)}
    forms = {Path(unicode_form(folder)) for folder in unused if not str(folder).isascii()}
    return tuple(path for path in paths if path in found or root_of(Path(unicode_form(path)), forms))
