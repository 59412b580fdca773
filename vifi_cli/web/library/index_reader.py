"""Keeps an index open for a server: in a thread of its own, and anew when another index takes its place."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from vifi_cli.index.catalog.catalog import CATALOG_FILE
from vifi_cli.index.search.video_index import VideoIndex

Result = TypeVar("Result")


class IndexReader:
    """Reads an index from one thread, to which its connection belongs, one question after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="index-reader")
        self._index: VideoIndex | None = None
        self._opened_file: tuple[int, int] | None = None

    async def read(self, work: Callable[[VideoIndex], Result]) -> Result:
        """Does some work with the index, in its thread.

        Raises:
            IndexMissing: nothing is indexed yet.
            IndexProblem: it cannot be opened.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, work)

    def close(self) -> None:
        """Ends the connection, once what was begun is done; what has not begun is dropped."""
        last = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        last.result()

    def _read(self, work: Callable[[VideoIndex], Result]) -> Result:
        index = self._current()
        try:
            return work(index)
        except sqlite3.Error:
            self._close()
            raise

    def _current(self) -> VideoIndex:
        """The index as it is now: a rebuild puts another file in the place of the one that is open."""
        opened_file = _identity(self.folder / CATALOG_FILE)
        if self._index is None or opened_file != self._opened_file:
            self._close()
            self._index, self._opened_file = VideoIndex(self.folder), opened_file
        return self._index

    def _close(self) -> None:
        if self._index is not None:
            self._index.catalog.close()
        self._index = None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
