"""The most memory that a program and each process below it takes, sampled while it runs."""

import subprocess
import threading
from dataclasses import dataclass, field

import psutil

SAMPLE_SECONDS = 0.2


@dataclass
class MemoryPeaks:
    """In bytes."""

    program: int = 0
    others: int = 0  # of the processes below it at one moment
    together: int = 0
    of_child: dict[int, int] = field(default_factory=dict)

    @property
    def largest_child(self) -> int:
        """The most that one process below the program took."""
        return max(self.of_child.values(), default=0)


class MemoryWatch:
    """Samples the memory of a program in a thread until it ends; a context manager that gives the peaks."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._program = psutil.Process(process.pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peaks = MemoryPeaks()

    def __enter__(self) -> MemoryPeaks:
        self._thread.start()
        return self.peaks

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        peaks = self.peaks
        while not self._ended.wait(SAMPLE_SECONDS):
            try:
                own, children = _resident(self._program), self._program.children(recursive=True)
            except psutil.NoSuchProcess:
                return
            sizes = {child.pid: _resident(child) for child in children}
            others = sum(sizes.values())
            peaks.program, peaks.others = max(peaks.program, own), max(peaks.others, others)
            peaks.together = max(peaks.together, own + others)
            for pid, size in sizes.items():
                peaks.of_child[pid] = max(size, peaks.of_child.get(pid, 0))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
