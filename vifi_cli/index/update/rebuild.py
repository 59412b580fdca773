"""Rebuilds an index beside the old one, which stays in use until the new one is complete."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from vifi_cli import paths
from vifi_cli.disk.replacement import save_names
from vifi_cli.errors import IndexDamaged, IndexProblem
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.index.update.changes import find_changes
from vifi_cli.index.update.presence import part_gone
from vifi_cli.video.files.content import is_there
from vifi_cli.video.files.discovery import Discovery
from vifi_cli.wording import as_argument, counted


def rebuild_folder(folder: Path) -> Path:
    """Where the replacement of `folder` is built."""
    return folder.with_name(f"{folder.name}.rebuild")


def _replaced_folder(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.replaced")


def open_rebuild(folder: Path, indexed_with: IndexedWith) -> Catalog:
    """Opens the catalog of a rebuild: the one an interrupted rebuild left if it fits, else a new one."""
    unfinished = rebuild_folder(folder)
    path = unfinished / CATALOG_FILE
    if path.exists():
        try:
            catalog = Catalog(path)
        except IndexDamaged:  # by a crash of the machine; what cannot be opened only now is not given up
            pass
        else:
            if catalog.indexed_with == indexed_with:
                return catalog
            catalog.close()
    if unfinished.exists():
        shutil.rmtree(unfinished)
    paths.make_own_folder(unfinished, like=folder)
    return Catalog.create(path, indexed_with)


def check_nothing_is_lost(old: Catalog, discovery: Discovery, roots: Sequence[Path]) -> None:
    """Raises IndexProblem if a rebuild would lose videos that this run does not see but that may well exist."""
    changes = find_changes(old, discovery, roots, comparing=None)
    if changes.out_of_reach:
        path, folder = next(iter(changes.out_of_reach.items()))
        raise IndexProblem(
            f"rebuilding the index would lose {_videos_that_are(len(changes.out_of_reach))} out of reach now, "
            f"such as {path}: plug the disk of {folder} in, or drop them first with "
            f"`vifi prune --missing {as_argument(folder)}`"
        )
    if changes.skipped:
        raise IndexProblem(
            f"rebuilding the index would lose {_videos_that_are(len(changes.skipped))} skipped, such as "
            f"{changes.skipped[0]}: omit --exclude, name the files too, or drop them first with `vifi prune PATH` "
            "(`vifi prune --skipped` drops what is in trash and thumbnails)"
        )


def _videos_that_are(number: int) -> str:
    return counted(number, "video that is", "videos that are")


def check_complete(old: Catalog, rebuilt: Catalog) -> None:
    """Raises IndexProblem if a rebuild lacks videos that could not be read for a reason that may pass."""
    known = {*rebuilt.paths(), *(failed.file.path for failed in rebuilt.failures())}
    lacking = [video for video in old.videos() if video.path not in known]
    absent = [video for video in lacking if not is_there(video.path)]
    gone, _ = part_gone(absent, {*old.roots(), *rebuilt.roots()}, old.videos())
    if missing := [video.path for video in lacking if video.path not in set(gone)]:
        reasons = {failed.file.path: failed.reason for failed in rebuilt.postponed()}
        reason = reasons.get(missing[0], "out of reach")
        raise IndexProblem(
            f"the rebuilt index lacks {counted(len(missing), 'video')} out of reach, such as {missing[0]} ({reason}): "
            "the old index stays in use; run the same command again, or drop them first with `vifi prune PATH`"
        )


def finish_rebuild(folder: Path) -> None:
    """Replaces the old index by the finished rebuild; `recover` completes it after a crash."""
    replaced = _replaced_folder(folder)
    if replaced.exists():
        shutil.rmtree(replaced)
    if folder.exists():
        folder.rename(replaced)
    rebuild_folder(folder).rename(folder)
    save_names(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def recover(folder: Path) -> None:
    """Repairs an index after a crash between the two renames of `finish_rebuild`."""
    replaced = _replaced_folder(folder)
    if not replaced.exists():
        return
    if folder.exists():
        shutil.rmtree(replaced, ignore_errors=True)
    elif (rebuild_folder(folder) / CATALOG_FILE).exists():
        rebuild_folder(folder).rename(folder)
        shutil.rmtree(replaced, ignore_errors=True)
    else:
        replaced.rename(folder)
