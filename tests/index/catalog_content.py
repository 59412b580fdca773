"""What a catalogue holds, in a form that two catalogues can be compared by."""

from pathlib import Path

from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.vectors import open_vectors


def content(folder: Path) -> dict[bytes, tuple[object, ...]]:
    """Everything but row ids and times of indexing, by path; fails if the index does not hold together."""
    with Catalog(folder / CATALOG_FILE) as catalog:
        assert not catalog.faults()
        assert len(open_vectors(catalog)) == len(catalog.window_ids())
        rows = catalog.db.execute(
            "SELECT path, size_bytes, modified_ns, fingerprint, duration_seconds, width, height, codec, decoding, "
            "warning, seconds, embeddings, videos.id FROM videos JOIN frames ON video_id = videos.id"
        ).fetchall()
        windows = "SELECT start_seconds, end_seconds, first_frame, end_frame FROM windows WHERE video_id = ?"
        videos = {row[0]: (*row[1:-1], *catalog.db.execute(windows, (row[-1],)).fetchall()) for row in rows}
        failures = catalog.db.execute("SELECT path, size_bytes, modified_ns, reason FROM failures")
        return {**videos, **{row[0]: row[1:] for row in failures}}
