"""Follows folders: by what the system reports, and by looking where it reports nothing or not everything.

On Linux that is inotify, elsewhere watchfiles. Both report changes by this machine alone, and inotify watches
each folder, of which a user may watch a limited number.
"""

import errno
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vifi_cli.errors import InvalidInput
from vifi_cli.paths import root_of
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.files.skipping import reason_to_skip
from vifi_cli.video.watching.arrivals import FileEvent, State, state_of
from vifi_cli.video.watching.mount_changes import MountChanges
from vifi_cli.video.watching.watched_folders import WatchedFolders
from vifi_cli.wording import first_of

POLL_SECONDS = 10.0
SHARE_OF_POLLING = 0.05  # of the time, where looking takes long
FORCED = "WATCHFILES_FORCE_POLLING"
"""The environment variable with which watchfiles looks everywhere, too."""
SYSCTL = Path("/proc/sys")
MORE_WATCHES, MORE_INSTANCES = 524288, 1024
REMEDY = (
    "raise it by `sudo sysctl {name}={more}`, and for good by `echo {name}={more} | sudo tee "
    "/etc/sysctl.d/60-inotify.conf`"
)

Announce = Callable[[str, bool], object]


@dataclass(frozen=True, slots=True)
class News:
    """What happened since the last look."""

    events: list[FileEvent]
    is_incomplete: bool = False  # more may have happened: all folders must be searched


class _Source(Protocol):
    """Reports what happens under folders."""

    limit_reached: bool
    overflowed: bool
    silent: dict[Path, str]
    tops: set[Path]

    def read(self, seconds: float) -> list[FileEvent]: ...

    def close(self) -> None: ...


class Follower:
    """Follows folders and files, one set after the other."""

    def __init__(self, exclude: Sequence[str], include: Sequence[str], announce: Announce) -> None:
        """The patterns are those of a search; `announce` receives, once, how folders are followed if that is unusual.

        Its second argument says whether the user should do something about it.
        """
        self._exclude, self._include, self._announce = exclude, include, announce
        self._reported: set[str] = set()
        self._roots: Sequence[Path] = ()
        self._source: _Source | None = None
        self._mounts = MountChanges()
        self._files: dict[Path, State | None] = {}  # followed themselves
        self._polled: list[Path] = []
        self._found: dict[Path, State] = {}  # under the folders that are polled
        self._next_poll = 0.0
        self._is_limited = False

    def close(self) -> None:
        """Ends everything."""
        self._mounts.close()
        if self._source is not None:
            self._source.close()
            self._source = None

    def follow(self, roots: Sequence[Path], now: float) -> None:
        """Follows these folders and files, which exist, from now on; what happens before must be searched for."""
        if self._source is not None:
            self._source.close()
            self._source = None
        self._roots = roots
        folders = [root for root in roots if os.path.isdir(root)]  # noqa: PTH112 - never raises
        self._files = {root: state_of(root) for root in roots if root not in folders}
        polled: dict[Path, str] = {}
        try:
            self._source = _open_source(folders, self._skips)
            polled = dict(self._source.silent)
            if os.environ.get(FORCED):
                polled |= dict.fromkeys(folders, "")
            self._is_limited = self._source.limit_reached
            if self._is_limited:
                polled |= dict.fromkeys(folders, "")
                self._report_limit("watches", MORE_WATCHES, folders)
        except OSError as error:
            polled = dict.fromkeys(folders, "")
            if error.errno == errno.EMFILE:
                self._report_limit("instances", MORE_INSTANCES, folders)
            else:
                self._report(
                    f"changes are not reported ({error.strerror}): {_polling(folders)}", is_problem=True
                )
        for kind in dict.fromkeys(filter(None, polled.values())):
            shares = [folder for folder, its_kind in polled.items() if its_kind == kind]
            self._report(f"{kind} does not report all changes: {_polling(shares)}")
        self._polled = [folder for folder in polled if root_of(folder.parent, polled) is None]
        self._found = self._find()
        self._next_poll = now + POLL_SECONDS
        self._mounts.notice(
            self._source.tops if self._source else [Path(os.path.realpath(root)) for root in folders]
        )

    def wait(self, seconds: float, now: float) -> News:
        """What has happened; waits for it, but not longer than some seconds."""
        if self._source is None:
            time.sleep(seconds)
            events = []
        else:
            events = self._source.read(seconds)
        events += self._look_at_files()
        if self._polled and now >= self._next_poll:
            events += self._poll(now)
        is_incomplete = self._mounts.have_happened()
        if self._source is not None:
            is_incomplete |= self._source.overflowed or self._source.limit_reached > self._is_limited
        if is_incomplete:
            self.follow(self._roots, now)
        return News(events, is_incomplete)

    def _skips(self, path: Path) -> bool:
        root = root_of(path, self._roots)
        return root is None or (
            root != path and reason_to_skip(path, root, self._exclude, self._include) is not None
        )

    def _look_at_files(self) -> list[FileEvent]:
        states = {path: state_of(path) for path in self._files}
        changed = [path for path, state in states.items() if state != self._files[path]]
        self._files = states
        return [FileEvent("modified" if states[path] else "deleted", path) for path in changed]

    def _poll(self, now: float) -> list[FileEvent]:
        """What has changed in the polled folders since the last time."""
        began = time.monotonic()
        before, self._found = self._found, self._find()
        took = time.monotonic() - began
        self._next_poll = now + max(POLL_SECONDS, took / SHARE_OF_POLLING)
        events = [FileEvent("deleted", path) for path in before if path not in self._found]
        for path, state in self._found.items():
            if state != before.get(path):
                events.append(FileEvent("modified" if path in before else "added", path))
        return events

    def _find(self) -> dict[Path, State]:
        here = [folder for folder in self._polled if os.path.exists(folder)]  # noqa: PTH110 - never raises
        try:
            videos = find_videos(here, exclude=self._exclude, include=self._include).videos
        except InvalidInput:  # one has gone this moment
            return {}
        return {video.path: (video.size_bytes, video.modified_ns) for video in videos}

    def _report_limit(self, what: str, more: int, folders: Sequence[Path]) -> None:
        names = (f"fs/inotify/max_user_{what}", f"user/max_inotify_{what}")  # of all, and of this container
        limits = {
            name.replace("/", "."): limit for name in names if (limit := _number(SYSCTL / name)) is not None
        }
        name = min(limits, key=lambda name: limits[name], default=f"fs.inotify.max_user_{what}")
        is_at = f" ({name} is {limits[name]:,})" if limits else ""
        self._report(
            f"Linux lets you watch no more folders{is_at}: {_polling(folders)}. "
            f"To see changes at once, {REMEDY.format(name=name, more=more)}",
            is_problem=True,
        )

    def _report(self, message: str, *, is_problem: bool = False) -> None:
        if message not in self._reported:
            self._reported.add(message)
            self._announce(message, is_problem)


def _polling(folders: Sequence[Path]) -> str:
    return f"vifi looks every {POLL_SECONDS:.0f} s for changes in {first_of([str(folder) for folder in folders], 3)}"


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _open_source(folders: list[Path], skips: Callable[[Path], bool]) -> _Source:
    if sys.platform == "linux":
        return WatchedFolders(folders, skips)
    from vifi_cli.video.watching.watchfiles_source import ReportedChanges

    return ReportedChanges(folders)
