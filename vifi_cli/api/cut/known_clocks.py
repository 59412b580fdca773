"""The clocks that the index keeps, so that cutting from an indexed video does not read its packets first."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from vifi_cli.errors import VifiError
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.reader import CatalogReader
from vifi_cli.index.catalog.records import is_as_indexed
from vifi_cli.paths import searched_index_folder
from vifi_cli.video.clock.file_clock import FileClock


def known_clocks(paths: Iterable[Path], index_folder: Path | None = None) -> dict[Path, FileClock]:
    """The clocks of videos that are as they were indexed; none without an index that can be read.

    Without a folder, the index is the one that `vifi search` uses.
    """
    clocks: dict[Path, FileClock] = {}
    folder = index_folder or searched_index_folder()
    with suppress(VifiError, OSError), CatalogReader(folder / CATALOG_FILE) as catalog:
        for path, video in catalog.videos_at(paths).items():
            clock = catalog.clock(video.id) if is_as_indexed(video) else None
            if clock is not None:
                clocks[path] = clock
    return clocks


def keep_clocks(found: Mapping[Path, FileClock]) -> None:
    """Keeps clocks of indexed videos that an older vifi indexed without one, if the index can be written now."""
    if not found:
        return
    with suppress(VifiError, OSError), Catalog(searched_index_folder() / CATALOG_FILE) as catalog:
        for path, video in catalog.videos_at(found).items():
            if catalog.clock(video.id) is None and is_as_indexed(video):
                catalog.note_clock(video, found[path])
