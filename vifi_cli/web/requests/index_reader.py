"""The index, read by requests: a search session in its own thread, and the videos and moments that addresses name."""

import asyncio
import ctypes
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vifi_cli.api.search.session import SearchSession
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.video.files.content import is_there
from vifi_cli.web.requests.address import parse_key, parse_span, video_by_key

ROUNDED_SECONDS = 0.01
CLOSE_SECONDS = 1.0  # loading a model may take longer
NOT_FOUND = 404
NO_VIDEO = "this video is not in the index any more: search for it again"
NO_KEY = "this is not the key of a video, which looks like 12-9f3a61c2: take it from an earlier answer"
GONE = "This file is not where it was. Is its disk plugged in?"
UNREADABLE = "This file cannot be opened."

Result = TypeVar("Result")


class IndexReader:
    """Reads an index from one thread, one question after the other; a rebuilt index takes the place of the old one."""

    def __init__(self, session: SearchSession) -> None:
        self._session = session
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="index-reader")
        self._thread_id: int | None = None  # once it works

    @property
    def folder(self) -> Path:
        """The folder of the index."""
        return self._session.folder

    async def read(self, work: Callable[[SearchSession], Result]) -> Result:
        """Does work with the session, in its thread; raises IndexProblem or IndexMissing if it cannot be opened."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, work)

    async def video(self, request: Request) -> CatalogedVideo:
        """The indexed video that the address of a request names; fails with `404 Not Found`."""
        key = parse_key(request.path_params["key"])
        video = await self.read(lambda session: video_by_key(session.index.catalog, key)) if key else None
        if video is None:
            raise HTTPException(NOT_FOUND, NO_VIDEO if key else NO_KEY)
        return video

    def close(self) -> None:
        """Ends the connection after the current work, which is broken off if it takes long; what waits is dropped."""
        last = self._thread.submit(self._session.close)
        self._thread.shutdown(wait=False)
        if not wait([last], CLOSE_SECONDS).done and self._thread_id:
            raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
            raise_in_thread(ctypes.c_ulong(self._thread_id), ctypes.py_object(KeyboardInterrupt))
            wait([last], CLOSE_SECONDS)

    def _read(self, work: Callable[[SearchSession], Result]) -> Result:
        self._thread_id = threading.get_ident()
        self._session.refresh()
        try:
            return work(self._session)
        except sqlite3.Error:
            self._session.close()
            raise


def span_of(request: Request, video: CatalogedVideo) -> tuple[float, float]:
    """The start and end, in seconds, of the moment that an address names; fails with `404 Not Found`."""
    parameters = request.query_params
    span = parse_span(parameters.get("start", ""), parameters.get("end", ""))
    if span is None or span[0] >= video.duration_seconds + ROUNDED_SECONDS:
        raise HTTPException(NOT_FOUND)
    return span[0], min(span[1], video.duration_seconds + ROUNDED_SECONDS)


def why_out_of_reach(path: Path) -> str | None:
    """The reason, in words for the user, why a file cannot be read; None if it can."""
    try:
        # a pipe or a device in the place of a video must not make the server wait
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None if is_there(path) else GONE  # a member of a shard
    except OSError:
        return UNREADABLE
    try:
        return None if stat.S_ISREG(os.fstat(descriptor).st_mode) or is_there(path) else GONE
    finally:
        os.close(descriptor)
