"""Compares the files on disk with the catalog, and decides what to do."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vifi_cli.disk.mount_identity import MountIdentity
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.twins import twins_of
from vifi_cli.index.update.presence import KnownFile, on_absent_disks, part_gone
from vifi_cli.paths import root_of
from vifi_cli.video.failure_kind import FailureKind
from vifi_cli.video.files.content import is_there
from vifi_cli.video.files.digests import is_sampled_in_full
from vifi_cli.video.files.discovery import Discovery
from vifi_cli.video.files.file_state import is_renumbered, is_same_inode, is_unchanged
from vifi_cli.video.files.video_file import VideoFile

Match = tuple[CatalogedVideo, VideoFile]

PATIENT_RUNS, REST = 5, timedelta(days=1)
"""After reading a file broke off in so many runs in a row, it is tried once a day."""
FEWEST_RENUMBERED = 3
"""Fewer files with new inode numbers than this are worth reading; more, if they are most, mean nothing."""

SILENT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Changes:
    """How the files on disk differ from the catalog."""

    new: tuple[VideoFile, ...]  # content not known: to be decoded
    changed: tuple[VideoFile, ...]  # content differs from what was indexed: to be decoded
    moved: tuple[Match, ...]  # videos that are at another path now
    touched: tuple[Match, ...]  # new times or another inode, the same content
    learned: tuple[Match, ...]  # unchanged, and not all about the file is noted yet
    remounted: dict[MountIdentity, MountIdentity]  # file systems found again as another mount
    copied: tuple[Match, ...]  # the content of a video that still exists elsewhere
    unchanged: int
    still_failing: tuple[Path, ...]  # could not be read before, and have not changed since
    resting: tuple[Path, ...]  # reading broke off in many runs; tried again later
    delicate: frozenset[Path]  # to be decoded, but reading broke off when last tried
    gone: tuple[Path, ...]  # videos whose file no longer exists
    gone_failures: tuple[Path, ...]  # files that could not be read and no longer exist
    healed: tuple[Path, ...]  # files that could not be read, and have their indexed content again
    skipped: tuple[Path, ...]  # exist but were not listed, for example because of `--exclude`; they stay
    out_of_reach: dict[Path, Path]  # may still exist, each hidden behind a folder; they stay


@dataclass(frozen=True, slots=True)
class Comparing:
    """What to do while contents are compared, for which files are read completely."""

    on_read: Callable[[int, int], object] = lambda done, total: None  # in bytes; only if it takes a while
    # a large file at its own path has its old content
    on_same: Callable[[Match], object] = lambda match: None


QUIETLY = Comparing()


def find_changes(
    catalog: Catalog,
    discovery: Discovery,
    roots: Iterable[Path],
    *,
    retry_failed: bool = False,
    comparing: Comparing | None = QUIETLY,
) -> Changes:
    """Sorts every file under the roots by what has happened to it.

    Unchanged files (see `file_state`) are not opened. A file with the content of a video (see `twins_of`) that is no
    longer at its own path has been moved, also when two files swapped names. Nothing is reported gone that may only be
    out of reach (see `presence`).

    Without `comparing`, a file at its own path that may have changed counts as changed, and is not read.
    """
    cataloged = catalog.videos()
    videos = {video.path: video for video in cataloged}
    failures = {failed.file.path: failed for failed in [*catalog.failures(), *catalog.postponed()]}
    same = _unchanged(discovery.videos, videos)
    unchanged = {file.path for _, file in same}
    failed_so = {
        file.path
        for file in discovery.videos
        if file.path in failures and is_unchanged(file, failures[file.path].file)
    }
    failing = {path for path in failed_so if not retry_failed and not failures[path].kind.may_pass}
    resting = set[Path]() if retry_failed else (failed_so & _resting(catalog)) - unchanged
    settled = {*unchanged, *failing, *resting}
    unsettled = [file for file in discovery.videos if file.path not in settled]
    comparable = unsettled if comparing else [file for file in unsettled if file.path not in videos]
    twins = _match_by_content(comparable, cataloged, comparing or QUIETLY)
    touched = tuple((video, file) for video, file in twins if video.path == file.path)
    staying = {*unchanged, *(file.path for _, file in touched)}
    found = {file.path for file in discovery.videos}
    away = on_absent_disks((video for video, _ in twins if not is_there(video.path)), cataloged)
    moved, copied = _split_moved(twins, staying, found, away)
    matched = {file.path for _, file in twins}
    to_decode = [file for file in unsettled if file.path not in matched]

    asked = set(roots)
    left = {video.path for video, _ in moved}
    staying_videos = {path: video for path, video in videos.items() if path not in left}
    known: dict[Path, KnownFile] = {
        **{path: failed.file for path, failed in failures.items()},
        **staying_videos,
    }
    missing = [path for path in known if path not in found and root_of(path, asked)]
    there = {path: is_there(path) for path in missing}
    gone, out_of_reach = part_gone(
        (known[path] for path in missing if not there[path]), {*asked, *catalog.roots()}, cataloged
    )
    return Changes(
        new=tuple(file for file in to_decode if file.path not in videos),
        changed=tuple(file for file in to_decode if file.path in videos),
        moved=moved,
        touched=touched,
        learned=tuple((video, file) for video, file in same if _is_noted_differently(video, file)),
        remounted=_find_remounted(same),
        copied=copied,
        unchanged=len(unchanged),
        still_failing=tuple(sorted(failing)),
        resting=tuple(sorted(resting)),
        delicate=frozenset(
            path for path in failed_so - settled if failures[path].kind is FailureKind.BROKEN_OFF
        ),
        gone=tuple(path for path in gone if path in staying_videos),
        gone_failures=tuple(path for path in gone if path not in staying_videos),
        healed=tuple(sorted(failures.keys() & unchanged)),
        skipped=tuple(path for path in missing if there[path] and path in staying_videos),
        out_of_reach={path: folder for path, folder in out_of_reach.items() if path in staying_videos},
    )


def _unchanged(files: Sequence[VideoFile], videos: dict[Path, CatalogedVideo]) -> list[Match]:
    """The files that are as they were when they were indexed.

    Inode numbers that are new for most files of a mount say nothing: that file system numbers files when mounted.
    """
    known = [(videos[file.path], file) for file in files if file.path in videos]
    renumbered = [(video, file) for video, file in known if is_renumbered(file, video)]
    of_mount = Counter(file.mount for _, file in known)
    renumbered_mounts = {
        mount
        for mount, count in Counter(file.mount for _, file in renumbered).items()
        if count >= FEWEST_RENUMBERED and 2 * count > of_mount[mount]
    }
    same = [(video, file) for video, file in known if is_unchanged(file, video)]
    return [*same, *((video, file) for video, file in renumbered if file.mount in renumbered_mounts)]


def _is_noted_differently(video: CatalogedVideo, file: VideoFile) -> bool:
    noted = video.status_changed_ns, video.inode, video.mount, video.on_other_device
    return noted != (file.status_changed_ns, file.inode, file.mount, file.on_other_device)


def _find_remounted(same: Sequence[Match]) -> dict[MountIdentity, MountIdentity]:
    """The mounts whose very files are on one other mount now, as after a restart."""
    found: dict[MountIdentity, set[MountIdentity]] = {}
    for video, file in same:
        if not video.mount or not file.mount or file.mount.is_like(video.mount):
            continue
        if is_same_inode(file, video) and file.status_changed_ns == video.status_changed_ns:
            found.setdefault(video.mount, set()).add(file.mount)
    return {before: now.pop() for before, now in found.items() if len(now) == 1}


def _match_by_content(
    files: Sequence[VideoFile], videos: Iterable[CatalogedVideo], comparing: Comparing
) -> list[Match]:
    """Pairs files with the videos whose content they hold; only files of a known size are opened."""
    by_size: dict[int, list[CatalogedVideo]] = {}
    for video in videos:
        by_size.setdefault(video.size_bytes, []).append(video)
    candidates = [file for file in files if file.size_bytes in by_size]
    progress = _ReadingProgress(sum(file.size_bytes for file in candidates), comparing)
    matches = []
    for file in candidates:
        twins = twins_of(file, by_size[file.size_bytes], progress.note)
        progress.finish(file)
        if twins:
            # its own path if possible, else the very file, else one that is gone: a move costs less than a copy
            ranks = [
                (video.path != file.path, not _is_very_file(file, video), is_there(video.path))
                for video in twins
            ]
            best = twins[ranks.index(min(ranks))]
            matches.append((best, file))
            if best.path == file.path and not is_sampled_in_full(file.size_bytes):
                comparing.on_same((best, file))
    return matches


class _ReadingProgress:
    """How much of the files to compare has been read; most are settled without reading all of them."""

    def __init__(self, total_bytes: int, comparing: Comparing) -> None:
        self._total, self._comparing = total_bytes, comparing
        self._before, self._in_file = 0, 0
        self._started = time.perf_counter()

    def note(self, read_bytes: int) -> None:
        self._in_file += read_bytes
        if time.perf_counter() - self._started > SILENT_SECONDS:
            self._comparing.on_read(self._before + self._in_file, self._total)

    def finish(self, file: VideoFile) -> None:
        self._before, self._in_file = self._before + file.size_bytes, 0


def _split_moved(
    matches: list[Match], staying: set[Path], found: set[Path], away: set[Path]
) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
    """Splits files at new paths into those whose video left its own path and those that are a second copy.

    A video whose disk is `away` is still there.
    """
    moved: dict[int, Match] = {}
    copied = []
    for video, file in matches:
        if video.path == file.path:
            continue
        left_its_path = (
            (not is_there(video.path) and (video.path not in away or _is_very_file(file, video)))
            or (video.path in found and video.path not in staying)
            or (video.path not in found and _is_same_file(video.path, file.path))
        )
        if left_its_path and video.id not in moved:
            moved[video.id] = (video, file)
        else:
            copied.append((video, file))
    return tuple(moved.values()), tuple(copied)


def _is_very_file(file: VideoFile, video: CatalogedVideo) -> bool:
    """Whether a file is that of a video under another path, perhaps since its disk is mounted elsewhere."""
    if not is_same_inode(file, video) or file.mount is None or video.mount is None:
        return False
    return file.mount.file_system == video.mount.file_system


def _is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one physical file, as a link and its target do."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _resting(catalog: Catalog) -> set[Path]:
    """The files that would make every run slow, for example because their decoder hangs each time."""
    since = datetime.now(UTC) - REST
    return catalog.costly_failures(PATIENT_RUNS, since.isoformat(timespec="seconds"))
