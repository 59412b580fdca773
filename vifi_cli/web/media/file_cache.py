"""Files made on demand, each once, in a cache with a maximum size."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import NoneType

from vifi_cli import paths
from vifi_cli.disk.file_version import FileVersion
from vifi_cli.disk.replacement import remove_abandoned
from vifi_cli.errors import UnreadableVideo, VideoOutOfReach
from vifi_cli.video.workers.isolated_worker import Report
from vifi_cli.web.media.render_processes import Renderers

MOST_REASONS = 1000


Make = Callable[[Path, Report], None]
"""Writes a file, calling its second argument often; raises UnreadableVideo or OSError. It runs in another process, so
it must be picklable."""


@dataclass(slots=True, eq=False)
class _InWork:
    """A file that is being made, and how many wait for it."""

    task: asyncio.Task[None]
    waiting: int = 0


class MadeFiles:
    """A cache of files made on demand; the least recently used go first. Belongs to one event loop."""

    def __init__(self, folder: Path, renderers: Renderers, *, most_files: int, most_bytes: int) -> None:
        self._folder = folder
        self._renderers = renderers
        self._most_files = most_files
        self._most_bytes = most_bytes
        self._in_work: dict[str, _InWork] = {}
        self._reasons: dict[str, str] = {}

    async def get(self, name: str, make: Make, source_version: FileVersion | None = None) -> Path:
        """The file with a name, made if missing; canceling stops that unless somebody else waits for it.

        What cannot be made from one version of its source is not tried again.

        Raises:
            UnreadableVideo: it cannot be made from this video, or could not be before.
            VideoOutOfReach: it could not be made just now.
            OSError: the video is gone, or the disk is full.
        """
        path, attempt = self._folder / name, f"{name} {source_version}"
        if attempt in self._reasons and not path.exists():
            raise UnreadableVideo(self._reasons[attempt])
        if _note_use(path):
            return path
        work = self._in_work.get(name)
        if work is None:
            work = self._in_work[name] = _InWork(asyncio.create_task(self._make(path, make, attempt)))
        work.waiting += 1
        try:
            await asyncio.shield(work.task)
        finally:
            work.waiting -= 1
            if not work.waiting:
                work.task.cancel()
                del self._in_work[name]
        return path

    async def _make(self, path: Path, make: Make, attempt: str) -> None:
        try:
            await self._renderers.run(partial(make_file, make, path), NoneType)
        except VideoOutOfReach:  # it may work next time
            raise
        except UnreadableVideo as error:
            if len(self._reasons) >= MOST_REASONS:
                self._reasons.clear()
            self._reasons[attempt] = str(error)
            raise
        await asyncio.to_thread(self._keep_bounds, path)

    def _keep_bounds(self, newest: Path) -> None:
        """Deletes unfinished files of killed processes, and the least recently used files until the rest fits."""
        remove_abandoned(self._folder, earlier=True)
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                found.append((path.stat(), path))
        size_bytes, count = sum(status.st_size for status, _ in found), len(found)
        for status, path in sorted(found, key=lambda entry: entry[0].st_mtime_ns):
            is_finished = not path.name.startswith(".")
            too_much = count > self._most_files or size_bytes > self._most_bytes
            if too_much and path != newest and is_finished:
                with suppress(OSError):
                    path.unlink()
                    count, size_bytes = count - 1, size_bytes - status.st_size


def make_file(make: Make, path: Path, report: Report) -> None:
    """Makes a file under a temporary name; raises UnreadableVideo or OSError."""
    paths.make_own_folder(path.parent)
    with paths.replacing(path, is_own=True) as unfinished:
        make(unfinished, report)


def _note_use(path: Path) -> bool:
    """Whether a file exists; if so, sets its time to now."""
    try:
        os.utime(path)
    except OSError:
        return path.exists()
    return True
