"""What the page shows of the catalogue: videos by their key or path, the newest ones, and the folders they lie in."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vifi_cli.index.catalog.catalog import Catalog, decode_path, encode_path
from vifi_cli.web.library.address import VideoKey, key_of

COLUMNS = "id, path, size_bytes, modified_ns, fingerprint, duration_seconds, width, height, codec"
MOST_FOLDERS = 300
ROWS_PER_QUERY = 900
"""SQLite's oldest limit on the number of parameters of one query is 999."""


@dataclass(frozen=True, slots=True)
class LibraryVideo:
    """An indexed video.

    Attributes:
        key: by which addresses name it.
        path: where it lay when it was indexed.
        root: the folder that was indexed, above it; its own folder where it was indexed by itself.
        duration_seconds: its length.
        width: of the upright picture, in pixels.
        height: likewise.
        codec: of its pictures, by FFmpeg's name.
        size_bytes: of the file.
    """

    key: VideoKey
    path: Path
    root: Path
    duration_seconds: float
    width: int
    height: int
    codec: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that a search can be limited to.

    Attributes:
        pattern: for `VideoIndex.search`; the folder itself where its name is text.
        name: to show.
        depth: how many folders it lies below the one that was indexed.
        videos: how many lie in it or below it.
    """

    pattern: str
    name: str
    depth: int
    videos: int


def video_by_key(catalog: Catalog, key: VideoKey) -> LibraryVideo | None:
    """The video that a key names, None if it is indexed no longer."""
    videos = _videos(catalog, "WHERE id = ?", (key.id,))
    return next((video for video in videos if video.key == key), None)


def videos_by_path(catalog: Catalog, paths: Iterable[Path]) -> dict[Path, LibraryVideo]:
    """The videos that lie at paths; those that are indexed no longer are left out."""
    wanted = list({encode_path(path) for path in paths})
    found: dict[Path, LibraryVideo] = {}
    for start in range(0, len(wanted), ROWS_PER_QUERY):
        part = wanted[start : start + ROWS_PER_QUERY]
        marks = ",".join("?" * len(part))
        found |= {video.path: video for video in _videos(catalog, f"WHERE path IN ({marks})", part)}
    return found


def newest_videos(catalog: Catalog, count: int) -> list[LibraryVideo]:
    """The videos that were indexed last, newest first."""
    return _videos(catalog, "ORDER BY indexed_at DESC, id DESC LIMIT ?", (count,))


def folders(catalog: Catalog) -> list[Folder]:
    """The folders that were indexed and those below them, each followed by what lies in it; empty ones left out."""
    roots = sorted(catalog.roots())
    counts: Counter[Path] = Counter()
    for (encoded,) in catalog.db.execute("SELECT path FROM videos"):
        parents = decode_path(encoded).parents
        root = next((root for root in roots if root in parents), None)  # the outermost: roots are sorted
        if root is not None:
            counts.update(folder for folder in parents if folder == root or root in folder.parents)
    outermost = [folder for folder in counts if not any(parent in counts for parent in folder.parents)]
    names = Counter(folder.name for folder in outermost)
    return [_folder(path, outermost, names, counts[path]) for path in sorted(counts)][:MOST_FOLDERS]


def _folder(path: Path, outermost: Sequence[Path], names: Counter[str], videos: int) -> Folder:
    root = next(root for root in outermost if path.is_relative_to(root))
    depth = len(path.relative_to(root).parts)
    is_plain = depth or names[path.name] == 1
    return Folder(pattern_for(path), path.name if is_plain else str(path), depth, videos)


def pattern_for(folder: Path) -> str:
    """Text that means a folder and can stand in an address: bytes that are no text become `?`."""
    text = str(folder)
    if text == os.fsencode(folder).decode(errors="replace"):
        return text
    return "".join("?" if "\udc80" <= letter <= "\udcff" else _literal(letter) for letter in text)


def _literal(letter: str) -> str:
    return f"[{letter}]" if letter in "*?[" else letter


def _videos(catalog: Catalog, condition: str, values: Sequence[object]) -> list[LibraryVideo]:
    rows = catalog.db.execute(f"SELECT {COLUMNS} FROM videos {condition}", tuple(values)).fetchall()
    roots = sorted(catalog.roots()) if rows else []
    return [_video(decode_path(row[1]), row, roots) for row in rows]


def _video(path: Path, row: tuple[Any, ...], roots: Sequence[Path]) -> LibraryVideo:
    video_id, _, size_bytes, modified_ns, fingerprint, duration_seconds, width, height, codec = row
    return LibraryVideo(
        key_of(video_id, fingerprint, size_bytes, modified_ns),
        path,
        next((root for root in roots if root in path.parents), path.parent),
        duration_seconds,
        width,
        height,
        codec,
        size_bytes,
    )
