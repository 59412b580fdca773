"""Lists the videos of a catalog, a page at a time."""

from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog.reader import CatalogReader
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.rows import decode_path, encode_path
from vifi_cli.index.catalog.video_filter import VideoFilter, conditions_of


@dataclass(frozen=True, slots=True)
class VideoPage:
    """Some of the videos that meet conditions, in the order of their paths."""

    videos: tuple[CatalogedVideo, ...]
    total: int  # that meet the conditions, on all pages
    next_after: Path | None  # where the next page begins; None if this is the last one


def list_videos(
    catalog: CatalogReader, among: VideoFilter, most: int, after: Path | None = None
) -> VideoPage:
    """At most so many videos, beginning after a path, which need not be in the index any more."""
    with catalog.snapshot():
        where, values = conditions_of(among)
        rows = catalog.db.execute(f"SELECT path FROM videos WHERE {where} ORDER BY path", values)
        encoded = [row[0] for row in rows if among.matches_path(decode_path(row[0]))]
        rest = [each for each in encoded if after is None or each > encode_path(after)]
        paths = [decode_path(each) for each in rest[:most]]
        found = catalog.videos_at(paths)
    is_last = len(rest) <= most
    return VideoPage(tuple(found[path] for path in paths), len(encoded), None if is_last else paths[-1])
