"""Follows folders, and indexes new files once they are complete."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TypeVar

import watchfiles

from vifi_cli import stop_signals
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.library.indexing import IndexRequest
from vifi_cli.errors import IndexLocked, IndexMissing, NothingToIndex, VifiError
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.indexer import IndexReport
from vifi_cli.video.files.arrivals import SETTLED_SECONDS, Arrivals, FileEvent, Kind
from vifi_cli.video.files.discovery import VideoFile

STEP_MS = 1000
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
    stop = _Stop()
    with suppress(KeyboardInterrupt), stop_signals.handled_by(stop.hear):
        while not stop.event.is_set():
            for events in _events(watching.find_places(), stop.event):
                report = watching.step(events, time.monotonic(), time.time_ns())
                if report is not None:
                    show(report)
                if watching.have_places_changed():
                    break
    raise stop_signals.interruption(stop.number)


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


class Watching:
    """Decides, step by step, when to bring an index up to date, and does it."""

    def __init__(self, index_folder: Path, request: IndexRequest, run: Run, feedback: Feedback) -> None:
        """The first step looks at everything; arguments are those of `watch`."""
        self._folder = index_folder
        self._request = request
        self._run, self._feedback = run, feedback
        self._is_first, self._is_waiting = True, False
        self._places: dict[Path, Identity] = {}
        self._arrivals = Arrivals(self._roots())
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
        paths = tuple(path for path in self._request.paths if self._is_first or path.exists())
        if self._request.paths and not paths:
            return None
        try:
            report = self._run(replace(self._request, paths=paths, is_complete=is_complete))
        except NothingToIndex:
            return None
        except IndexLocked as error:
            self._wait_for_lock(error, now)
            return None
        self._note_done()
        return report

    def find_places(self) -> list[Path]:
        """The roots that exist now, to be followed."""
        self._places = self._roots_now()
        return [root for root, identity in self._places.items() if identity is not None]

    def have_places_changed(self) -> bool:
        """Whether a root has come, gone or been replaced, as by a disk plugged in; if so, everything is checked."""
        changed = self._roots_now() != self._places
        if changed:
            self._arrivals.wake(time.monotonic())
        return changed

    def _roots_now(self) -> dict[Path, Identity]:
        return {root: _identity(root) for root in self._arrivals.roots}

    def _completeness(self, now: float, now_ns: int) -> Callable[[VideoFile], bool]:
        """Decides, for the run that begins now, which files are complete."""
        unfinished = self._arrivals.begin()

        def is_complete(file: VideoFile) -> bool:
            if file.path in unfinished:
                return False
            if not 0 <= now_ns - file.modified_ns < SETTLED_SECONDS * NS_A_SECOND:
                return True
            self._arrivals.mark_unstable(file.path, now)
            return False

        return is_complete

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
    """A value that changes when something else takes a path's place; None if nothing is there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _events(places: list[Path], stop: Event) -> Iterator[list[FileEvent]]:
    """Yields the events at and under some paths every second or sooner, often none, until `stop` is set.

    Raises:
        VifiError: the operating system does not let them be followed.
    """
    kinds: dict[watchfiles.Change, Kind] = {
        watchfiles.Change.added: "added",
        watchfiles.Change.modified: "modified",
        watchfiles.Change.deleted: "deleted",
    }
    try:
        for changes in watchfiles.watch(
            *places,
            watch_filter=None,
            stop_event=stop,
            rust_timeout=STEP_MS,
            yield_on_timeout=True,
            raise_interrupt=True,
            ignore_permission_denied=True,
        ):
            yield [FileEvent(kinds[kind], Path(path)) for kind, path in changes]
    except (OSError, UnicodeEncodeError) as error:
        raise VifiError(
            f"the folders cannot be followed ({error}): on Linux raise fs.inotify.max_user_watches by sysctl, "
            "or run `vifi index` from time to time"
        ) from error
