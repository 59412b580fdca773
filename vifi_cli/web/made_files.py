"""Files that are made on demand: each once, in processes of their own, few at a time, and kept within bounds.

What decodes a broken file may crash or hang; that costs its process and nothing else. When nobody waits for a file
any more, because the page was left, making it is broken off.
"""

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_process

from vifi_cli import paths
from vifi_cli.errors import UnreadableVideo

LOWER_PRIORITY = 10
ABANDONED_SECONDS = 3600.0
MOST_REASONS = 1000


class Make(Protocol):
    """How a file is made; handed to another process, so what it holds must be picklable."""

    @property
    def name(self) -> str:
        """What is made, with all that decides how it looks but the video itself."""
        ...

    def __call__(self, target: Path) -> None:
        """Writes the file; raises UnreadableVideo or OSError."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What making files may cost.

    Attributes:
        processes: how many files are made at the same time.
        seconds: how long making one may take.
        files: how many are kept.
        size_bytes: their size together.
    """

    processes: int
    seconds: float
    files: int
    size_bytes: int


@dataclass(slots=True)
class _InWork:
    """A file that is being made, and how many wait for it."""

    task: asyncio.Task[None]
    waiting: int = 0


class MadeFiles:
    """A folder of files made on demand; those unused for longest go first. Belongs to one event loop."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._turns = asyncio.Semaphore(bounds.processes)
        self._in_work: dict[str, _InWork] = {}
        self._reasons: dict[str, str] = {}

    async def get(self, name: str, make: Make) -> Path:
        """The file of a name, made unless it is there.

        Raises:
            UnreadableVideo: it cannot be made of this video.
            OSError: the video is gone, or the disk is full.
        """
        path = self._folder / name
        if name in self._reasons:
            raise UnreadableVideo(self._reasons[name])
        if _note_use(path):
            return path
        work = self._in_work.get(name)
        if work is None:
            work = self._in_work[name] = _InWork(asyncio.create_task(self._make(path, make)))
            work.task.add_done_callback(lambda _: self._in_work.pop(name))
        work.waiting += 1
        try:
            await asyncio.shield(work.task)
        finally:
            work.waiting -= 1
            if not work.waiting:
                work.task.cancel()
        return path

    async def _make(self, path: Path, make: Make) -> None:
        async with self._turns:
            try:
                with anyio.move_on_after(self._bounds.seconds) as patience:
                    await anyio.to_process.run_sync(
                        make_file, make, path, cancellable=True, limiter=anyio.CapacityLimiter(1)
                    )
            except anyio.BrokenWorkerProcess:
                self._remember(path.name, "the decoder crashed")
            except UnreadableVideo as error:
                self._remember(path.name, str(error))
        if patience.cancelled_caught:
            self._remember(path.name, f"it took longer than {self._bounds.seconds:.0f} seconds to decode")
        await asyncio.to_thread(self._keep_bounds, path)

    def _remember(self, name: str, reason: str) -> None:
        """Notes that a file cannot be made, so that no time is lost on it again, and says so."""
        if len(self._reasons) >= MOST_REASONS:
            self._reasons.clear()
        self._reasons[name] = reason
        raise UnreadableVideo(reason)

    def _keep_bounds(self, newest: Path) -> None:
        """Deletes the files unused for longest until the rest fits, and what killed processes have left."""
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                found.append((path.stat(), path))
        now, size_bytes, count = time.time(), sum(status.st_size for status, _ in found), len(found)
        for status, path in sorted(found, key=lambda entry: entry[0].st_mtime_ns):
            is_leftover = path.name.startswith(".") and now - status.st_mtime > ABANDONED_SECONDS
            too_much = count > self._bounds.files or size_bytes > self._bounds.size_bytes
            if is_leftover or (too_much and path != newest and not path.name.startswith(".")):
                with suppress(OSError):
                    path.unlink()
                    count, size_bytes = count - 1, size_bytes - status.st_size


def make_file(make: Make, path: Path) -> None:
    """Makes a file under a temporary name, at a low priority, so that the user's other programs come first."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, LOWER_PRIORITY)
    path.parent.mkdir(parents=True, exist_ok=True)
    with paths.replacing(path) as unfinished:
        make(unfinished)


def _note_use(path: Path) -> bool:
    """Whether a file is there; if so, notes as its time that it was used."""
    try:
        os.utime(path)
    except OSError:
        return path.exists()
    return True
