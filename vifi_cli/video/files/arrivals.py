"""Tells when files that appear below folders are complete, so that none is read while it is being written.

Arithmetic on what happens and when; whoever follows the folders tells it (see `Arrivals`). A file is complete when its
size and its time of change have stayed the same for a while. Bursts are waited out: something is due when all is quiet
and complete, or some time after the first thing happened. So a file that is moved to another disk, which is written
there and then deleted here, is seen in one look to have moved.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vifi_cli.video.files.recognition import AMBIGUOUS_SUFFIXES, VIDEO_SUFFIXES, may_be_video

SETTLED_SECONDS = 5.0
QUIET_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0
NO_TEXT = "\N{REPLACEMENT CHARACTER}"

Kind = Literal["added", "modified", "deleted"]
State = tuple[int, int]
"""Size in bytes, and time of change in nanoseconds."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """Something that happened to a path, as the operating system tells it."""

    kind: Kind
    path: Path


@dataclass(slots=True)
class _Unfinished:
    """A file that may still be written to, how it looked when it was last seen, and since when."""

    state: State
    since: float


@dataclass(slots=True)
class Arrivals:
    """What has happened below some folders since videos were last looked for there.

    Attributes:
        roots: the folders and files that are followed.
        folders: those below them in which videos lie, as far as is known; if one of them goes, videos go with it.
    """

    roots: tuple[Path, ...]
    folders: frozenset[Path] = frozenset()
    _unfinished: dict[Path, _Unfinished] = field(default_factory=dict)
    _first: float | None = None
    _latest: float = 0.0

    def note(self, happenings: Iterable[FileEvent], now: float) -> None:
        """Takes in what has happened by `now`, in seconds of any clock that never falls back."""
        for happening in happenings:
            if self._is_hidden(happening.path):
                continue
            if NO_TEXT in str(happening.path):  # a name that is no text does not come through
                self.wake(now)
            elif happening.kind == "deleted":
                self._note_loss(happening.path, now)
            elif os.path.isdir(happening.path):  # noqa: PTH112 - Path.is_dir() raises where it may not look
                if happening.kind == "added":
                    self.wake(now)
            elif may_be_video(happening.path):
                self._watch(happening.path, now)

    def mark_unstable(self, path: Path, now: float) -> None:
        """Takes a file to be unfinished of which nothing was heard, but which has changed only just now."""
        self._watch(path, now)

    def look(self, now: float) -> None:
        """Looks at the files that were unfinished; to be called every second or so."""
        for path, unfinished in list(self._unfinished.items()):
            state = _state_of(path)
            if state is None:
                del self._unfinished[path]
                self.wake(now)
            elif state != unfinished.state:
                self._unfinished[path] = _Unfinished(state, now)
            elif now - unfinished.since >= SETTLED_SECONDS:
                del self._unfinished[path]
                self.wake(now)

    def is_due(self, now: float) -> bool:
        """Whether it is time to bring the index up to date."""
        if self._first is None:
            return False
        is_calm = not self._unfinished and now - self._latest >= QUIET_SECONDS
        return is_calm or now - self._first >= LONGEST_WAIT_SECONDS

    def begin(self) -> frozenset[Path]:
        """Takes all that has happened to be seen to; gives the files that are still unfinished and to be left out."""
        self._first = None
        return frozenset(self._unfinished)

    def wake(self, now: float) -> None:
        """Notes that the folders are to be looked through."""
        self._first = now if self._first is None else self._first
        self._latest = now

    def _note_loss(self, path: Path, now: float) -> None:
        self._unfinished.pop(path, None)
        is_named_so = path.suffix.lower() in VIDEO_SUFFIXES | AMBIGUOUS_SUFFIXES
        if is_named_so or path in self.folders or path in self.roots:
            self.wake(now)

    def _watch(self, path: Path, now: float) -> None:
        state = _state_of(path)
        if state is None:
            return
        known = self._unfinished.get(path)
        if known is None or known.state != state:
            self._unfinished[path] = _Unfinished(state, now)

    def _is_hidden(self, path: Path) -> bool:
        """Whether a search of the folders passes a path over, as it does hidden ones."""
        root = next((root for root in self.roots if path.is_relative_to(root)), None)
        return root is None or any(part.startswith(".") for part in path.relative_to(root).parts)


def _state_of(path: Path) -> State | None:
    """How a regular file looks now, None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
