"""A search session in its own thread, to which its connection belongs."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from vifi_cli.api.search.session import SearchSession

Result = TypeVar("Result")


class IndexReader:
    """Reads an index from one thread, one question after the other; a rebuilt index takes the place of the old one."""

    def __init__(self, session: SearchSession) -> None:
        self._session = session
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="index-reader")

    @property
    def folder(self) -> Path:
        """The folder of the index."""
        return self._session.folder

    async def read(self, work: Callable[[SearchSession], Result]) -> Result:
        """Does work with the session, in its thread; raises IndexProblem or IndexMissing if it cannot be opened."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, work)

    def close(self) -> None:
        """Ends the connection once the current work is done; work that waits is dropped."""
        last = self._thread.submit(self._session.close)
        self._thread.shutdown(wait=False)
        last.result()

    def _read(self, work: Callable[[SearchSession], Result]) -> Result:
        self._session.refresh()
        try:
            return work(self._session)
        except sqlite3.Error:
            self._session.close()
            raise
