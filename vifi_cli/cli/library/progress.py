"""The progress bar of an index run: files and seconds of video done, rate, time left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from rich.progress import TaskID

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.index.update.encoding import Progress
    from vifi_cli.video.files.discovery import VideoFile


class IndexProgress:
    """Shows how far an index run has come, on a terminal, and knows it everywhere. A context manager."""

    def __init__(self) -> None:
        self._bar = output.progress("{task.fields[done]}")
        self._task: TaskID | None = None
        self._started = 0.0
        self._files_total = self._files_stored = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Takes the bar off the screen."""
        self._bar.stop()

    def plan(self, files: Sequence[VideoFile]) -> None:
        """Starts the bar for the files that will be read; it fills by their bytes."""
        self._files_total = len(files)
        if files:
            total = sum(file.size_bytes for file in files)
            self._task = self._bar.add_task("Indexing", total=max(total, 1), done="")
            self._started = time.perf_counter()
            self._bar.start()

    def advance(self, progress: Progress) -> None:
        """Moves the bar on."""
        if self._task is None:
            return
        rate = progress.video_seconds / max(time.perf_counter() - self._started, 0.1)
        done = (
            f"{progress.files_done:,}/{self._files_total:,} files · {output.clock(progress.video_seconds)} of video "
            f"· {rate:.0f}x"
        )
        self._bar.update(self._task, completed=progress.bytes_done, done=done)

    def stored(self, files: int) -> None:
        """Notes how many files are done for good."""
        self._files_stored = files

    def summary(self) -> str:
        """How many files are done for good of how many."""
        if not self._files_total:
            return "nothing had begun"
        return f"{self._files_stored:,} of {output.counted(self._files_total, 'file')} are done and kept"
