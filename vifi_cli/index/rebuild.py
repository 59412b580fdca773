"""Making an index anew beside the old one, which stays in use until the new one is whole."""

import shutil
from pathlib import Path

from vifi_cli.errors import IndexProblem
from vifi_cli.index.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.records import IndexedWith


def rebuild_folder(folder: Path) -> Path:
    """Where the index that will take the place of `folder`'s is being made."""
    return folder.with_name(f"{folder.name}.rebuild")


def _replaced_folder(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.replaced")


def open_rebuild(folder: Path, indexed_with: IndexedWith) -> Catalog:
    """Opens the catalogue of a rebuild: the one an interrupted rebuild left if it fits, else a new one."""
    unfinished = rebuild_folder(folder)
    path = unfinished / CATALOG_FILE
    if path.exists():
        try:
            catalog = Catalog(path)
        except IndexProblem:  # killed while it was being made
            pass
        else:
            if catalog.indexed_with == indexed_with:
                return catalog
            catalog.close()
    if unfinished.exists():
        shutil.rmtree(unfinished)
    return Catalog.create(path, indexed_with)


def check_roots_reachable(catalog: Catalog) -> None:
    """Raises IndexProblem if a rebuild would lose videos because the folder they lie below is not there."""
    paths = [video.path for video in catalog.videos()]
    for root in catalog.roots():
        if not root.exists() and any(path.is_relative_to(root) for path in paths):
            raise IndexProblem(
                f"{root} is not there, and making the index anew would lose its videos: "
                f"plug its disk in, or drop it with `vifi prune {root}`"
            )


def finish_rebuild(folder: Path) -> None:
    """Puts the finished rebuild in the old index's place; `recover` completes what a crash interrupts."""
    replaced = _replaced_folder(folder)
    if replaced.exists():
        shutil.rmtree(replaced)
    if folder.exists():
        folder.rename(replaced)
    rebuild_folder(folder).rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def recover(folder: Path) -> None:
    """Puts things right after a crash between the two renames of `finish_rebuild`."""
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
