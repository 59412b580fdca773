"""Processes that decode and encode for the server, few at a time and with a low priority.

A job stops when nobody waits for it any more, because the user left the page.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from vifi_cli.video.workers.isolated_worker import IsolatedWorker, Report, Reporter
from vifi_cli.video.workers.messages import Answers

LOWER_PRIORITY = 10

Result = TypeVar("Result")
Job = Callable[[Report], Result]


class Renderers:
    """Does jobs in a limited number of processes, started when needed. Belongs to one event loop."""

    def __init__(self, processes: int, stall_seconds: float) -> None:
        """Starts nothing yet; a job that reports no progress for `stall_seconds` counts as hanging."""
        self._turns = asyncio.Semaphore(processes)
        self._stall_seconds = stall_seconds
        self._idle: list[BackgroundWorker] = []

    async def run(self, job: Job[Result], result: type[Result]) -> Result:
        """Does a job, which must be picklable, for a result of a type; canceling stops it.

        Raises:
            UnreadableVideo: the job says so, crashes or hangs.
            OSError: a file that it needs is gone, or the disk is full.
        """
        async with self._turns:
            process = self._idle.pop() if self._idle else BackgroundWorker(self._stall_seconds)
            broken_off = threading.Event()

            def call() -> Result:
                try:
                    return process.call(job, Answers(result, reports=(float,)))
                finally:
                    if broken_off.is_set():  # before there was a process to be ended
                        process.end()

            try:
                return await asyncio.to_thread(call)
            except asyncio.CancelledError:
                broken_off.set()
                asyncio.get_running_loop().run_in_executor(None, process.end)
                raise
            finally:
                if not broken_off.is_set():
                    self._idle.append(process)

    def close(self) -> None:
        """Ends idle processes; busy ones end when their jobs are canceled."""
        while self._idle:
            self._idle.pop().end()


class BackgroundWorker(IsolatedWorker):
    """Calls functions in a process that lets the user's other programs go first."""

    def call(
        self,
        function: Callable[[Reporter], Result],
        answers: Answers[Result],
        report: Report = lambda *_: None,
    ) -> Result:
        """Calls a function as IsolatedWorker does."""
        return super().call(partial(_in_background, function), answers, report)


def _in_background(job: Callable[[Reporter], Result], report: Reporter) -> Result:
    """Does a job, and lets the user's other programs go first."""
    if sys.platform != "win32":
        os.setpriority(os.PRIO_PROCESS, 0, LOWER_PRIORITY)
    return job(report)
