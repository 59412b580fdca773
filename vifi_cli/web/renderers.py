"""Processes that decode and encode for the server, few at a time.

What decodes a broken file may crash or hang: that costs its process and nothing else. A job that nobody waits for any
more, because the page was left, is broken off in the same way.
"""

import asyncio
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.decoding_worker import SPAWN, interrupts_held_back
from vifi_cli.web import rendering_process

END_SECONDS = 0.2

Result = TypeVar("Result")


class Renderers:
    """Does jobs in at most so many processes, which are started when they are needed. Belongs to one event loop."""

    def __init__(self, processes: int, seconds: float) -> None:
        """Starts nothing yet; a job may take so many seconds."""
        self._turns = asyncio.Semaphore(processes)
        self._seconds = seconds
        self._idle: list[_Renderer] = []

    async def run(self, job: Callable[[], Result]) -> Result:
        """Does a job, which must be picklable; cancelling this breaks it off.

        Raises:
            UnreadableVideo: the job says so, crashes or takes too long.
            OSError: a file that it needs is gone, or the disk is full.
        """
        async with self._turns:
            renderer = self._idle.pop() if self._idle else _Renderer()
            try:
                result, error = await asyncio.wait_for(asyncio.to_thread(renderer.ask, job), self._seconds)
            except TimeoutError as late:
                renderer.end()
                raise UnreadableVideo(f"it took longer than {self._seconds:g} seconds to decode") from late
            except (EOFError, ConnectionError) as lost:
                renderer.end()
                raise UnreadableVideo("the decoder crashed") from lost
            except BaseException:
                renderer.end()
                raise
            self._idle.append(renderer)
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Ends the processes that wait for jobs; those at work end when their jobs are cancelled."""
        while self._idle:
            self._idle.pop().end()


class _Renderer:
    """A process that does one job after the other."""

    def __init__(self) -> None:
        self._connection: Connection
        self._connection, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=rendering_process.run, args=(theirs,), daemon=True)
        with interrupts_held_back():
            self._process.start()
        theirs.close()

    def ask(self, job: Callable[[], Result]) -> tuple[Result, Exception | None]:
        """Has a job done and waits for it, in a thread; raises EOFError or ConnectionError if the process dies."""
        self._connection.send(job)
        answer: tuple[Result, Exception | None] = self._connection.recv()
        return answer

    def end(self) -> None:
        """Kills the process, whatever it is doing; it holds nothing worth keeping."""
        self._process.kill()
        self._process.join(END_SECONDS)  # a process that waits for a dead network disk cannot be ended
