"""One index run as a program, so that tests can kill it: `python -m tests.index.index_run INDEX VIDEOS...`."""

import sys
from pathlib import Path

from tests.color_encoder import ColorEncoder
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import write_lock
from vifi_cli.index.update.indexer import update_index
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos


def main(folder: Path, *videos: Path) -> None:
    path = folder / CATALOG_FILE
    with write_lock(folder):
        if not path.exists():
            Catalog.create(path, indexed_with(ColorEncoder(), FrameSampling())).close()
        with Catalog(path) as catalog:
            update_index(catalog, find_videos(videos), videos, ColorEncoder)
            open_vectors(catalog)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
