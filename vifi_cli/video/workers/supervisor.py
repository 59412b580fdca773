"""Keeps decoding processes at work: gives them videos, passes on what they send, replaces those that are lost."""

import os
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait
from queue import Full, Queue

from vifi_cli.errors import VifiError
from vifi_cli.video.workers.decoding_process import Job
from vifi_cli.video.workers.decoding_worker import DecodingWorker, WorkerLost
from vifi_cli.video.workers.events import DecodedVideo, DecodingEvent, FailedVideo

VideoWorker = DecodingWorker[Job, DecodingEvent]

LOOK_UP_SECONDS = 0.1  # how soon a full queue is left when all is to stop


class Supervisor:
    """Runs jobs on at most so many workers, and puts their events, None after the last, into a queue.

    An exception goes into the queue in place of None. `run` belongs in a thread of its own.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        workers: int,
        start_worker: Callable[[], VideoWorker],
        events: Queue[DecodingEvent | BaseException | None],
    ) -> None:
        self._jobs = deque(jobs)
        self._most_workers = workers
        self._start_worker = start_worker
        self._events = events
        self._pool: list[VideoWorker] = []
        self._stopping = False
        self._stop_seen, self._stop_told = os.pipe()

    def run(self) -> None:
        """Work until all jobs are done, or `stop` is called; no process is left behind."""
        outcome: VifiError | RuntimeError | None = RuntimeError(
            "decoding broke off; its thread's traceback says why"
        )
        try:
            while (self._jobs or any(worker.job for worker in self._pool)) and not self._stopping:
                self._give_out_jobs()
                self._hear()
            outcome = None
        except VifiError as error:
            outcome = error
        finally:
            for worker in self._pool:
                worker.end()
            self._put(outcome)
            os.close(self._stop_seen)

    def stop(self) -> None:
        """Make `run` return soon, from another thread."""
        self._stopping = True
        os.close(self._stop_told)

    def _give_out_jobs(self) -> None:
        while self._jobs and len(self._pool) < self._most_workers:
            self._pool.append(self._start_worker())
            self._pool[-1].begin(self._jobs.popleft())
        for worker in self._pool:
            if self._jobs and worker.job is None:
                worker.begin(self._jobs.popleft())

    def _hear(self) -> None:
        """Wait until a worker has something to say or has been silent too long, and see to these."""
        busy = [worker for worker in self._pool if worker.job is not None]
        timeout = min(worker.seconds_of_patience() for worker in busy)
        ready = wait([self._stop_seen, *(worker.connection for worker in busy)], timeout)
        for worker in busy:
            if worker.connection in ready or worker.seconds_of_patience() <= 0:
                self._hear_from(worker)

    def _hear_from(self, worker: VideoWorker) -> None:
        job = worker.job
        if job is None:
            return
        try:
            event = worker.receive()
        except WorkerLost as lost:
            self._pool.remove(worker)
            worker.end()
            event = FailedVideo(job.position, str(lost))
        if isinstance(event, DecodedVideo | FailedVideo):
            worker.job = None
            if self._jobs and worker in self._pool:
                worker.begin(self._jobs.popleft())
        if event is not None:
            self._put(event)

    def _put(self, event: DecodingEvent | BaseException | None) -> None:
        while not self._stopping:
            try:
                return self._events.put(event, timeout=LOOK_UP_SECONDS)
            except Full:
                continue
