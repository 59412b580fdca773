"""A decoder that a file has taken over costs only that file: the parent goes on with the next one, in little memory."""

import math
import resource
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import NoneType

import pytest

from tests.video.workers import hostile_decoder as hostile
from tests.video.workers.hostile_decoder import INFO, SIDE, announced, frames_of, part
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.pictures.frames import FrameGeometry, VideoInfo
from vifi_cli.video.workers.decode_ahead import (
    DecodedChunk,
    DecodedVideo,
    Decoders,
    DecodingPool,
    FailedVideo,
)
from vifi_cli.video.workers.isolated_worker import SENT_NONSENSE, IsolatedWorker, Reporter
from vifi_cli.video.workers.messages import Answers
from vifi_cli.video.workers.received_frames import ReceivedFrames

Attack = Callable[[Reporter], VideoInfo]
HUNG = "decoding hung: nothing for 1 s"
MOST_GROWTH_KB = 100_000

NONSENSE: dict[str, Attack] = {
    "a pickle": partial(hostile.raw, part(b"\x80\x04\x95")),
    "2^40 bytes": partial(hostile.raw, announced(2**40)),
    "2^64 bytes": partial(hostile.raw, announced(2**64 - 1)),
    "2 GB of JSON": partial(hostile.raw, announced(2**31, b"[" * 100_000)),
    "no part for an array": partial(
        hostile.raw,
        part(
            b'{"class": "Value", "fields": {"value": {"class": "Frames", "fields": {"pixels": '
            b'{"array": "|u1", "shape": [1, 8, 8, 3]}, "seconds": {"array": "<f8", "shape": [1]}, "of_seconds": 0.0}}}}'
        )
        + part(b"short"),
    ),
    "a flood": hostile.flood,
    "endless frames": hostile.endless_frames,
    "frames for months": partial(hostile.endless_frames, step_seconds=100_000.0),
    "no frames": partial(hostile.send, ()),
    "an empty chunk": partial(hostile.send, (frames_of([], (0, SIDE, SIDE, 3)),)),
    "another size": partial(hostile.send, (frames_of([0.0], (1, SIDE, SIDE + 1, 3)),)),
    "too many at once": partial(hostile.send, (frames_of([0.01 * n for n in range(40)]),)),
    "NaN": partial(hostile.send, (frames_of([0.0, math.nan]),)),
    "infinite": partial(hostile.send, (frames_of([0.0, math.inf]),)),
    "unsorted": partial(hostile.send, (frames_of([0.0, 2.0, 1.0]),)),
    "twice": partial(hostile.send, (frames_of([0.0, 0.0]),)),
    "back": partial(hostile.send, (frames_of([3.0]), frames_of([2.0]))),
    "far before": partial(hostile.send, (frames_of([-1e12]),)),
    "NaN seconds": partial(hostile.send, (frames_of([0.0]),), info=replace(INFO, duration_seconds=math.nan)),
    "negative seconds": partial(hostile.send, (frames_of([0.0]),), info=replace(INFO, duration_seconds=-1.0)),
    "no width": partial(hostile.send, (frames_of([0.0]),), info=replace(INFO, width=0)),
    "a clock of no unit": partial(
        hostile.send, (frames_of([0.0]),), info=replace(INFO, clock=FileClock(tick_seconds=0.0))
    ),
    "a clock for years": partial(
        hostile.send, (frames_of([0.0]),), info=replace(INFO, clock=FileClock(duration_seconds=1e9))
    ),
    "a long codec": partial(hostile.send, (frames_of([0.0]),), info=replace(INFO, codec="x" * 1000)),
    "an error that ends the run": partial(hostile.claim, kind="IndexLocked"),
    "an exception": partial(hostile.claim, kind="SystemExit"),
}


def good(reporter: Reporter) -> VideoInfo:
    return hostile.send((frames_of([0.0, 1.0]), frames_of([2.0])), reporter)


def outcomes(*works: Attack, stall_seconds: float = 1.0) -> list[str]:
    """What became of each video: `done`, with its count of frames, or the reason."""
    checks = partial(ReceivedFrames, FrameSampling(), FrameGeometry(SIDE, SIDE))
    pool = DecodingPool([partial(work) for work in works], checks, Decoders(stall_seconds=stall_seconds))
    frames, found = [0] * len(works), [""] * len(works)
    try:
        for event in pool.events():
            if isinstance(event, DecodedChunk):
                frames[event.position] += len(event.frames)
            elif isinstance(event, DecodedVideo):
                found[event.position] = f"done: {frames[event.position]}"
            elif isinstance(event, FailedVideo):
                found[event.position] = event.reason
    finally:
        pool.stop()
    return found


@pytest.mark.slow
def test_every_attack_costs_only_its_own_video_and_little_memory() -> None:
    outcomes(good)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = outcomes(*NONSENSE.values(), good, stall_seconds=20)
    assert found.pop() == "done: 3"
    assert dict(zip(NONSENSE, found, strict=True)) == dict.fromkeys(NONSENSE, SENT_NONSENSE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH_KB


@pytest.mark.slow
@pytest.mark.parametrize("attack", [hostile.endless_part, partial(hostile.raw, announced(100, b"{"))])
def test_a_message_that_never_ends_is_a_hang(attack: Attack) -> None:
    assert outcomes(attack, good) == [HUNG, "done: 3"]


@pytest.mark.slow
def test_a_child_that_keeps_the_socket_open_holds_up_nothing() -> None:
    assert outcomes(hostile.leave_a_child, good) == [HUNG, "done: 3"]


def test_a_decoder_cannot_answer_for_the_next_video() -> None:
    assert outcomes(hostile.answer_the_next_call_too, good) == ["done: 1", "done: 3"]


def test_a_disk_that_a_decoder_says_is_full_is_a_failure_of_its_video() -> None:
    reason, following = outcomes(hostile.claim_the_disk_is_full, good)
    assert "No space left on device" in reason
    assert following == "done: 3"


def test_every_frame_of_a_video_with_too_short_a_header_is_taken() -> None:
    """Its slots of time are narrower than the sampling rate asks for."""
    received = ReceivedFrames(FrameSampling(), FrameGeometry(SIDE, SIDE))
    for second in range(0, 10):
        received.add(frames_of([second + frame / 30 for frame in range(30)]))
    assert received.finish(replace(INFO, duration_seconds=10.0)).duration_seconds == 10.0


def test_texts_of_a_decoder_are_one_line() -> None:
    info = replace(INFO, codec="h\n264", warning="a\x1b[2Jb\n" + "c" * 5000)
    finished = ReceivedFrames(FrameSampling(), FrameGeometry(SIDE, SIDE), count=1).finish(info)
    assert finished.codec == "h 264"
    assert finished.warning is not None
    assert finished.warning.startswith("a [2Jb c")
    assert finished.warning.isprintable()
    assert len(finished.warning) <= 1000


@pytest.mark.slow
def test_a_process_that_takes_no_further_call_is_replaced() -> None:
    """A process that reads nothing would block whoever sends it more than the socket holds."""
    with IsolatedWorker(stall_seconds=1.0) as worker:
        worker.call(hostile.read_no_further_call, Answers(NoneType))
        assert worker.call(partial(hostile.take, b"x" * 10_000_000), Answers(int)) == 10_000_000


def test_nothing_that_a_worker_prints_becomes_output(capfd: pytest.CaptureFixture[str]) -> None:
    with IsolatedWorker() as worker:
        worker.call(hostile.write_to_output, Answers(NoneType))
    assert capfd.readouterr().out == ""


def test_reports_of_another_form_cost_the_call() -> None:
    with IsolatedWorker() as worker, pytest.raises(UnreadableVideo, match="makes no sense"):
        worker.call(hostile.report_text, Answers(NoneType, reports=(float,)))
