"""Work in another process: results and progress come back, and a crash or hang costs only that piece of work."""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import NoneType

import pytest

from tests.made_videos import numbered_frames, write_video
from tests.video.workers.pieces_of_work import Report, crash, fail, hang, whoami
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.video.export.clip import Clip, write_clip
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated_worker import IsolatedWorker
from vifi_cli.video.workers.messages import Answers
from vifi_cli.video.workers.part_stream import TURN_SECONDS, AwakeClock

WHO = Answers(int, reports=(str, int))


@pytest.fixture(scope="module")
def process() -> Iterator[IsolatedWorker]:
    with IsolatedWorker(stall_seconds=5.0) as process:
        yield process


def test_results_and_progress_come_back_from_one_process(process: IsolatedWorker) -> None:
    told: list[tuple[object, ...]] = []
    first = process.call(whoami, WHO, lambda *what: told.append(what))
    assert told == [("begun", 1)]
    assert first == process.call(whoami, WHO) != os.getpid()


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (UnreadableVideo("the file is empty"), UnreadableVideo, "the file is empty"),
        (InvalidInput("no"), InvalidInput, "no"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/clip.mp4"), OSError, "/a/clip.mp4"),
        (KeyError("a bug"), UnreadableVideo, "vifi did not expect what is in it: set VIFI_DEBUG=1"),
    ],
)
def test_what_the_work_raises_is_raised(
    process: IsolatedWorker, error: Exception, raised: type[Exception], message: str
) -> None:
    with pytest.raises(raised, match=message):
        process.call(partial(fail, error=error), Answers(NoneType))


@pytest.mark.parametrize(("work", "reason"), [(crash, "decoder crashed"), (hang, "decoding hung")])
def test_a_crash_or_a_hang_costs_only_that_work(
    process: IsolatedWorker, work: Callable[[Report], None], reason: str
) -> None:
    before = process.call(whoami, WHO)
    with pytest.raises(UnreadableVideo, match=reason):
        process.call(work, Answers(NoneType))
    assert process.call(whoami, WHO) != before


def test_a_process_that_died_between_two_calls_costs_neither(process: IsolatedWorker) -> None:
    """As where the system ran out of memory."""
    before = process.call(whoami, WHO)
    os.kill(before, signal.SIGKILL)
    assert process.call(whoami, WHO) not in (before, os.getpid())


def test_clips_are_written_through_it(process: IsolatedWorker, tmp_path: Path) -> None:
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(20))
    writing = partial(write_clip, Moment(video, 0.5, 1.0), tmp_path / "clip.mp4")
    clip = process.call(writing, Answers(Clip, reports=(float,)))
    assert (clip.start_seconds, clip.end_seconds) == pytest.approx((0.5, 1.0))


def test_the_time_in_which_all_processes_were_stopped_does_not_count() -> None:
    """Ctrl-Z stops a decoder too, which then seems to hang."""
    clock = AwakeClock()
    before = clock.now()
    clock.note_wait(TURN_SECONDS, 1.9 * TURN_SECONDS)  # a busy machine
    assert clock.now() >= before
    clock.note_wait(TURN_SECONDS, 3600.0)
    assert before - 3600.0 < clock.now() < before - 3500.0
