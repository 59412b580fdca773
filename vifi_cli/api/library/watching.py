"""Follows folders, and indexes new files once they are complete."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TypeVar

from vifi_cli import stop_signals
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.library.indexing import IndexRequest
from vifi_cli.errors import IndexLocked, IndexMissing, InvalidInput, NothingToIndex
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.indexer import IndexReport
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.watching.arrivals import SETTLED_SECONDS, Arrivals, FileEvent
from vifi_cli.video.watching.following import Follower

STEP_SECONDS = 1.0
SEARCH_SECONDS = 600.0
SLEEP_SECONDS = 5.0
NS_A_SECOND = 10**9

Run = Callable[[IndexRequest], IndexReport]
Identity = tuple[int, int] | None
Answer = TypeVar("Answer")


def watch(
    index_folder: Path,
    request: IndexRequest,
    run: Run,
    show: Callable[[IndexReport], None],
    feedback: Feedback,
) -> None:
    """Brings an index up to date now and whenever something happens under its roots, until interrupted.

    A rebuild is made once. `show` is called with the report of each run.

    Raises:
        VifiError: the folders cannot be followed, or the index cannot be brought up to date.
    """
    watching = Watching(index_folder, request, run, feedback)
    follower = Follower(request.exclude, request.include, partial(_tell, feedback))
    stop = _Stop()
    with suppress(KeyboardInterrupt), closing(follower), stop_signals.handled_by(stop.hear):
        while not stop.event.is_set():
            _follow(watching, follower, show)
    raise stop_signals.interruption(stop.number)


def _follow(watching: "Watching", follower: Follower, show: Callable[[IndexReport], None]) -> None:
    """Follows what is there now, for a second."""
    now = time.monotonic()
    if watching.have_places_changed() or watching.is_search_due(now, seconds_asleep()):
        follower.follow(watching.find_places(), now)
    news = follower.wait(STEP_SECONDS, now)
    if news.is_incomplete:
        watching.search_again(now)
    report = watching.step(news.events, time.monotonic(), time.time_ns())
    if report is not None:
        show(report)


def _tell(feedback: Feedback, message: str, is_problem: bool) -> None:
    (feedback.warn if is_problem else feedback.note)(message)


def seconds_asleep() -> float:
    """How long the machine has slept, from any start: a jump means that it has just woken up."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    # the clock of the day goes on meanwhile
    return time.time() - time.monotonic()


class _Stop:
    """A stop signal, remembered: its exception alone is lost where it strikes while something is being destroyed."""

    def __init__(self) -> None:
        self.event, self.number = Event(), signal.SIGINT

    def hear(self, number: int) -> None:
        """Handles a stop signal; a second one changes nothing."""
        if not self.event.is_set():
            self.event.set()
            self.number = signal.Signals(number)
            raise stop_signals.interruption(number)


@dataclass(slots=True)
class SearchTimes:
    """When to search all folders although nothing was reported: now and then, and after the machine slept."""

    _latest: float | None = None
    _asleep: float | None = None

    def note(self, now: float) -> None:
        """Notes a search that begins now, in seconds of a monotonic clock."""
        self._latest = now

    def is_due(self, now: float, seconds_asleep: float) -> bool:
        """Whether to search now; call it every second or so."""
        before, self._asleep = self._asleep, seconds_asleep
        has_slept = before is not None and seconds_asleep - before > SLEEP_SECONDS
        is_long_ago = self._latest is not None and now - self._latest >= SEARCH_SECONDS
        if is_long_ago:
            self._latest = now
        return has_slept or is_long_ago


class Watching:
    """Decides, step by step, when to bring an index up to date, and does it."""

    def __init__(self, index_folder: Path, request: IndexRequest, run: Run, feedback: Feedback) -> None:
        """The first step looks at everything; arguments are those of `watch`."""
        self._folder = index_folder
        self._request = request
        self._run, self._feedback = run, feedback
        self._is_first, self._is_waiting = True, False
        self._has_said_empty = False
        self._places: dict[Path, Identity] | None = None  # before the first look
        self._searches = SearchTimes()
        self._arrivals = Arrivals(
            self._roots(),
            exclude=request.exclude,
            include=request.include,
            frame_folders=request.frame_folders,
        )
        self._arrivals.wake(float("-inf"))

    def step(self, events: Iterable[FileEvent], now: float, now_ns: int) -> IndexReport | None:
        """Takes in the latest events; brings the index up to date if it is due and possible.

        `now` is in seconds of a monotonic clock, `now_ns` the time of day, comparable with the times of files.
        """
        self._arrivals.note(events, now)
        self._arrivals.look(now)
        if not self._arrivals.is_due(now):
            return None
        is_complete = self._completeness(now, now_ns)
        paths = tuple(path for path in self._request.paths if self._is_first or _identity(path))
        if self._request.paths and not paths:
            return None
        self._searches.note(now)
        try:
            report = self._run(replace(self._request, paths=paths, is_complete=is_complete))
        except NothingToIndex:
            self._say_that_nothing_is_there(paths)
            return None
        except InvalidInput:
            if self._is_first or all(map(_identity, paths)):
                raise
            return None  # a folder has gone this moment, and will be searched when it is back
        except IndexLocked as error:
            self._wait_for_lock(error, now)
            return None
        self._note_done()
        return report

    def find_places(self) -> list[Path]:
        """The roots that exist now, to be followed."""
        before, self._places = self._places or {}, self._roots_now()
        for root, identity in self._places.items():
            if identity is None and before.get(root, ()) is not None:
                self._feedback.note(f"{root} cannot be seen now: vifi waits for it")
        return [root for root, identity in self._places.items() if identity is not None]

    def have_places_changed(self) -> bool:
        """Whether a root has come, gone or been replaced, as by a disk plugged in; if so, everything is checked."""
        changed = self._roots_now() != self._places
        if changed:
            self._arrivals.wake(time.monotonic())
        return changed

    def is_search_due(self, now: float, seconds_asleep: float) -> bool:
        """Whether to search all folders although nothing was reported; if so, it is done."""
        is_due = self._searches.is_due(now, seconds_asleep)
        if is_due:
            self.search_again(now)
        return is_due

    def search_again(self, now: float) -> None:
        """Searches all folders soon: more may have happened than was reported."""
        self._arrivals.wake(now)

    def _roots_now(self) -> dict[Path, Identity]:
        return {root: _identity(root) for root in self._arrivals.roots}

    def _completeness(self, now: float, now_ns: int) -> Callable[[VideoFile], bool]:
        """Decides, for the run that begins now, which files are complete."""
        unfinished = self._arrivals.begin()

        def is_complete(file: VideoFile) -> bool:
            # the file, or the shard that it is in
            if not unfinished.isdisjoint((file.path, *file.path.parents)):
                return False
            if not 0 <= now_ns - file.modified_ns < SETTLED_SECONDS * NS_A_SECOND:
                return True
            self._arrivals.mark_unstable(file.path, now)
            return False

        return is_complete

    def _say_that_nothing_is_there(self, paths: Sequence[Path]) -> None:
        if not self._has_said_empty:
            self._feedback.note(f"no videos under {', '.join(map(str, paths))} yet: vifi waits for them")
        self._has_said_empty = True

    def _wait_for_lock(self, error: IndexLocked, now: float) -> None:
        if not self._is_waiting:
            self._feedback.note(f"{error}; this run continues when it is done")
        self._is_waiting = True
        self._arrivals.wake(now)

    def _note_done(self) -> None:
        """Rebuilds only once, and learns which folders matter."""
        self._is_first = self._is_waiting = False
        self._request = replace(self._request, rebuild=False, retry_failed=False)
        self._arrivals.roots = self._roots()
        self._arrivals.folders = self._ask_catalog(_folders_with_videos, frozenset())

    def _roots(self) -> tuple[Path, ...]:
        """The folders and files named or, without any, all that were indexed before."""
        return self._request.paths or self._ask_catalog(lambda catalog: tuple(catalog.roots()), ())

    def _ask_catalog(self, ask: Callable[[Catalog], Answer], default: Answer) -> Answer:
        try:
            with Catalog(self._folder / CATALOG_FILE) as catalog:
                return ask(catalog)
        except IndexMissing:
            return default


def _folders_with_videos(catalog: Catalog) -> frozenset[Path]:
    return frozenset(path for video in catalog.paths() for path in (video, *video.parents))


def _identity(path: Path) -> Identity:
    """A value that changes when something else takes a path's place; None if nothing is there to be read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if os.access(path, os.R_OK) else None
