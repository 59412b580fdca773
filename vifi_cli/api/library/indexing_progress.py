"""How far a run of indexing has come, for the user and for other processes."""

import time
from pathlib import Path

from vifi_cli.api.feedback import Task
from vifi_cli.index.catalog.lock import note_progress
from vifi_cli.index.update.encoding import Progress
from vifi_cli.wording import clock, counted


class ShownProgress:
    """How far a run has come, shown as a bar that fills by bytes, and noted for other processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: Progress | None = None
        # when the first frames came, and how much video they were
        self._begun: tuple[float, float] | None = None

    def show(self, task: Task, progress: Progress) -> None:
        """Shows the latest state, and notes the files stored since the last one."""
        last, self._last = self._last, progress
        if last is None or last.files_stored != progress.files_stored:
            note_progress(self._folder, progress.files, progress.files_stored)
        files = f"{progress.files_done:,}/{progress.files:,} files"
        at = f"{files} · {clock(progress.video_seconds)} of video{self._rate(progress.video_seconds)}"
        task(progress.bytes_done, max(progress.size_bytes, 1), what="" if last else "Indexing", at=at)

    def _rate(self, video_seconds: float) -> str:
        """How many times faster than real time it goes, once that can be said."""
        now = time.perf_counter()
        if self._begun is None and video_seconds:
            self._begun = now, video_seconds
        began, already = self._begun or (now, 0.0)
        return f" · {(video_seconds - already) / (now - began):.0f}x" if now - began >= 1 else ""

    def summary(self) -> str:
        """How many files are done for good, out of how many."""
        if self._last is None:
            return "nothing had begun"
        return f"{self._last.files_stored:,} of {counted(self._last.files, 'file')} are done and kept"
