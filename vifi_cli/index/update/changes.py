"""Compares the files on disk with the catalog, and decides what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.update.presence import is_there, part_gone
from vifi_cli.paths import root_of
from vifi_cli.video.files.discovery import Discovery, VideoFile, content_fingerprint

Match = tuple[CatalogedVideo, VideoFile]


@dataclass(frozen=True, slots=True)
class Changes:
    """How the files on disk differ from the catalog."""

    new: tuple[VideoFile, ...]  # content not known: to be decoded
    changed: tuple[VideoFile, ...]  # content differs from what was indexed: to be decoded
    moved: tuple[Match, ...]  # videos that are at another path now
    touched: tuple[Match, ...]  # a new modification time, the same content
    copied: tuple[Match, ...]  # the content of a video that still exists elsewhere
    unchanged: int
    still_failing: tuple[Path, ...]  # could not be read before, and have not changed since
    gone: tuple[Path, ...]  # videos whose file no longer exists
    gone_failures: tuple[Path, ...]  # files that could not be read and no longer exist
    skipped: tuple[Path, ...]  # exist but were not listed, for example because of `--exclude`; they stay
    out_of_reach: dict[Path, Path]  # may still exist, each hidden behind a folder; they stay


def find_changes(
    catalog: Catalog, discovery: Discovery, roots: Iterable[Path], *, retry_failed: bool = False
) -> Changes:
    """Sorts every file under the roots by what has happened to it.

    Unchanged files (same path, size and modification time) are not opened. A file whose size and content fingerprint
    are those of a video that is no longer at its own path has been moved, also when two files swapped names.
    Nothing is reported gone that may only be out of reach (see `presence`).
    """
    videos = {video.path: video for video in catalog.videos()}
    failures = {failed.file.path: failed.file for failed in catalog.failures()}
    unchanged = {file.path for file in discovery.videos if _is_unchanged(file, videos.get(file.path))}
    failing = [file.path for file in discovery.videos if failures.get(file.path) == file and not retry_failed]
    settled = {*unchanged, *failing}
    unsettled = [file for file in discovery.videos if file.path not in settled]
    twins = _match_by_content(unsettled, videos.values())
    touched = tuple((video, file) for video, file in twins if video.path == file.path)
    staying = {*unchanged, *(file.path for _, file in touched)}
    found = {file.path for file in discovery.videos}
    moved, copied = _split_moved(twins, staying, found)
    matched = {file.path for _, file in twins}
    to_decode = [file for file in unsettled if file.path not in matched]

    asked = set(roots)
    seen = {*found, *(video.path for video, _ in moved)}
    missing = [path for path in {**videos, **failures} if path not in seen and root_of(path, asked)]
    there = {path: is_there(path) for path in missing}
    gone, out_of_reach = part_gone(
        ((path, path in videos and videos[path].on_other_device) for path in missing if not there[path]),
        {*asked, *catalog.roots()},
    )
    return Changes(
        new=tuple(file for file in to_decode if file.path not in videos),
        changed=tuple(file for file in to_decode if file.path in videos),
        moved=moved,
        touched=touched,
        copied=copied,
        unchanged=len(unchanged),
        still_failing=tuple(failing),
        gone=tuple(path for path in gone if path in videos),
        gone_failures=tuple(path for path in gone if path not in videos),
        skipped=tuple(path for path in missing if there[path] and path in videos),
        out_of_reach={path: folder for path, folder in out_of_reach.items() if path in videos},
    )


def _is_unchanged(file: VideoFile, known: CatalogedVideo | None) -> bool:
    return known is not None and (known.size_bytes, known.modified_ns) == (file.size_bytes, file.modified_ns)


def _match_by_content(files: list[VideoFile], videos: Iterable[CatalogedVideo]) -> list[Match]:
    """Pairs files with the videos whose content they hold; only files of a known size are opened."""
    by_size: dict[int, list[CatalogedVideo]] = {}
    for video in videos:
        by_size.setdefault(video.size_bytes, []).append(video)
    matches = []
    for file in files:
        same_size = by_size.get(file.size_bytes, [])
        fingerprint = _fingerprint_or_none(file.path) if same_size else None
        twins = [video for video in same_size if video.fingerprint == fingerprint]
        if twins:
            # its own path if possible, else a video whose file is gone: a move costs less than a copy
            best = min(twins, key=lambda video: (video.path != file.path, is_there(video.path)))
            matches.append((best, file))
    return matches


def _fingerprint_or_none(path: Path) -> str | None:
    try:
        return content_fingerprint(path)
    except OSError:  # it has vanished or cannot be read: the attempt to decode it will say so
        return None


def _split_moved(
    matches: list[Match], staying: set[Path], found: set[Path]
) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
    """Splits files at new paths into those whose video left its own path and those that are a second copy."""
    moved: dict[int, Match] = {}
    copied = []
    for video, file in matches:
        if video.path == file.path:
            continue
        left_its_path = (
            not is_there(video.path)
            or (video.path in found and video.path not in staying)
            or (video.path not in found and _is_same_file(video.path, file.path))
        )
        if left_its_path and video.id not in moved:
            moved[video.id] = (video, file)
        else:
            copied.append((video, file))
    return tuple(moved.values()), tuple(copied)


def _is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one physical file, as a link and its target do."""
    try:
        return one.samefile(other)
    except OSError:
        return False
