"""Decides when files that appear under folders are complete, so that none is read while it is being written.

A file is complete when its size and its time of change have stayed the same for a while. The index is due when all
files are complete and quiet, or some time after the first event. So vifi recognizes a file moved to another disk, which
is written there and then deleted here.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vifi_cli.paths import root_of
from vifi_cli.video.files.content import video_status
from vifi_cli.video.files.recognition import (
    AMBIGUOUS_SUFFIXES,
    VIDEO_SUFFIXES,
    may_be_video,
    suffix_of,
)
from vifi_cli.video.files.skipping import is_in_search
from vifi_cli.video.files.virtual.frame_names import PICTURES
from vifi_cli.video.files.virtual.tar_shards import SHARD_SUFFIX, is_shard_name, split_at_shard

SETTLED_SECONDS = 5.0
QUIET_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0
NO_TEXT = "\N{REPLACEMENT CHARACTER}"

Kind = Literal["added", "modified", "deleted"]
State = tuple[int, int]  # size in bytes, and time of change in nanoseconds


@dataclass(frozen=True, slots=True)
class FileEvent:
    """A change to a path that the operating system reports."""

    kind: Kind
    path: Path


@dataclass(slots=True)
class Arrivals:
    """What has happened under the roots since the index was last updated.

    Times are seconds of any clock that never runs backwards.
    """

    roots: tuple[Path, ...]  # folders and files
    folders: frozenset[Path] = frozenset()  # known to hold videos, which disappear with them, and the videos
    exclude: Sequence[str] = ()  # patterns, as those of a search
    include: Sequence[str] = ()
    frame_folders: bool = False  # whether new folders of numbered pictures are videos too
    _unfinished: dict[Path, tuple[State, float]] = field(default_factory=dict)  # and since when they are so
    _first: float | None = None
    _latest: float = 0.0

    def note(self, events: Iterable[FileEvent], now: float) -> None:
        """Takes in events up to `now`."""
        with_pictures: set[Path] = set()  # folders, each looked at once: it may hold thousands of frames
        for event in events:
            if self._is_hidden(event.path):
                continue
            if suffix_of(event.path) in PICTURES and self._may_hold_frames(event.path.parent):
                with_pictures.add(event.path.parent)
            if NO_TEXT in str(event.path):  # a name that is not text does not come through
                self.wake(now)
            elif event.kind == "deleted":
                self._note_loss(event.path, now)
            elif os.path.isdir(event.path):  # noqa: PTH112 - Path.is_dir() raises where it may not look
                if event.kind == "added":
                    self.wake(now)
            elif is_shard_name(event.path) or may_be_video(event.path):
                self.mark_unstable(event.path, now)
        for folder in with_pictures:
            self.mark_unstable(folder, now)

    def mark_unstable(self, path: Path, now: float) -> None:
        """Treats a video that may have changed just now as unfinished; with a member of a shard, all of it."""
        place = split_at_shard(path)
        path = path if place is None else place[0]
        state = state_of(path)
        known, _ = self._unfinished.get(path, (None, 0.0))
        if state is not None and state != known:
            self._unfinished[path] = state, now

    def look(self, now: float) -> None:
        """Checks the unfinished files; call it every second or so."""
        for path, (known, since) in list(self._unfinished.items()):
            state = state_of(path)
            if state is None or (state == known and now - since >= SETTLED_SECONDS):
                del self._unfinished[path]
                self.wake(now)
            elif state != known:
                self._unfinished[path] = state, now

    def is_due(self, now: float) -> bool:
        """Whether to update the index now."""
        if self._first is None:
            return False
        is_calm = not self._unfinished and now - self._latest >= QUIET_SECONDS
        return is_calm or now - self._first >= LONGEST_WAIT_SECONDS

    def begin(self) -> frozenset[Path]:
        """Starts an update: all events so far count as handled; returns the unfinished files, to be left out."""
        self._first = None
        return frozenset(self._unfinished)

    def wake(self, now: float) -> None:
        """Asks for a search of the folders."""
        self._first = now if self._first is None else self._first
        self._latest = now

    def _note_loss(self, path: Path, now: float) -> None:
        self._unfinished.pop(path, None)
        is_named_so = suffix_of(path) in VIDEO_SUFFIXES | AMBIGUOUS_SUFFIXES | {SHARD_SUFFIX}
        if is_named_so or path in self.folders or path in self.roots:
            self.wake(now)

    def _may_hold_frames(self, folder: Path) -> bool:
        return self.frame_folders or folder in self.folders or folder in self.roots

    def _is_hidden(self, path: Path) -> bool:
        """Whether a search of the folders skips a path because of where it is."""
        root = root_of(path, self.roots)
        return root is None or not is_in_search(path, root, self.exclude, self.include)


def state_of(path: Path) -> State | None:
    """The present state of a video, as of one file; None for anything else."""
    try:
        status = video_status(path)
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
