"""Decoding in processes of their own, which hang, crash and are left behind for real.

A named pipe that nobody writes to blocks FFmpeg for ever, in native code, like a dead network disk.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.decoded_videos import read_video
from tests.made_videos import frame_number, numbered_frames, write_video
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.workers.decode_ahead import (
    EVENTS_AHEAD,
    DecodedChunk,
    DecodedVideo,
    Decoders,
    DecodingEvent,
    FailedVideo,
    decode_ahead,
)

WIDE = FrameGeometry(32, 80, "squash")
PARENT = """
import sys
from pathlib import Path
from vifi_cli.video.workers.decode_ahead import Decoders, decode_ahead
from vifi_cli.video.pictures.frames import FrameGeometry
from vifi_cli.video.decode.frame_sampling import FrameSampling

if __name__ == "__main__":
    paths = [Path(path) for path in sys.argv[1:]]
    for event in decode_ahead(paths, FrameSampling(), FrameGeometry(8, 8), Decoders(workers=2)):
        print(event.position, flush=True)
"""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", numbered_frames(100))


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe.mp4")
    return tmp_path / "pipe.mp4"


def run(paths: Sequence[Path], *, workers: int = 1, stall_seconds: float = 60.0) -> list[DecodingEvent]:
    return list(
        decode_ahead(paths, FrameSampling(), WIDE, Decoders(workers=workers, stall_seconds=stall_seconds))
    )


def outcomes(events: Sequence[DecodingEvent]) -> dict[int, str]:
    """By position: what went wrong, or `done`."""
    return {
        event.position: event.reason if isinstance(event, FailedVideo) else "done"
        for event in events
        if not isinstance(event, DecodedChunk)
    }


@pytest.fixture(autouse=True)
def _older_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignores processes that other tests have left."""
    monkeypatch.setattr(
        "tests.video.workers.test_decode_ahead.OLDER", frozenset(multiprocessing.active_children())
    )


OLDER: frozenset[BaseProcess] = frozenset()


def decoders() -> list[BaseProcess]:
    return [process for process in multiprocessing.active_children() if process not in OLDER]


def test_frames_come_in_order_for_each_video(tmp_path: Path) -> None:
    paths = [write_video(tmp_path / f"{i}.mp4", numbered_frames(100 * i), gop=10) for i in (1, 4, 2)]
    events = run(paths, workers=2)
    for position, seconds in enumerate((10, 40, 20)):
        own = [event for event in events if event.position == position]
        frames = [event.frames for event in own if isinstance(event, DecodedChunk)]
        numbers = [frame_number(picture) for chunk in frames for picture in chunk.pixels]
        assert numbers == list(range(0, seconds * 10, 10))
        assert isinstance(own[-1], DecodedVideo)
        assert own[-1].info.duration_seconds == pytest.approx(seconds)
        assert np.concatenate([chunk.seconds for chunk in frames]).tolist() == pytest.approx(
            list(range(seconds))
        )


def test_a_file_that_cannot_be_read_costs_only_itself(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert outcomes(run([tmp_path / "empty.mp4", clip, tmp_path / "gone.mp4"])) == {
        0: "the file is empty",
        1: "done",
        2: "the file is gone",
    }


@pytest.mark.slow
def test_a_decoder_that_hangs_is_replaced(clip: Path, pipe: Path) -> None:
    assert outcomes(run([clip, pipe, clip], stall_seconds=0.8)) == {
        0: "done",
        1: "decoding hung: nothing for 0.8 s",
        2: "done",
    }
    assert decoders() == []


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGSEGV, "decoder crashed (signal 11)"), (signal.SIGKILL, "decoder was killed (signal 9)")],
)
def test_a_decoder_that_crashes_is_replaced(clip: Path, pipe: Path, number: int, reason: str) -> None:
    results = {}
    for event in decode_ahead([clip, pipe, clip], FrameSampling(), WIDE):
        results |= outcomes([event])
        if isinstance(event, DecodedVideo) and event.position == 0:
            writing = os.open(pipe, os.O_WRONLY)  # returns when the decoder has opened the pipe
            os.kill(decoders()[0].pid or 0, number)
            os.close(writing)
    assert results[0] == results[2] == "done"
    assert results[1].startswith(reason)


def test_closing_ends_all_processes(clip: Path, pipe: Path) -> None:
    events = decode_ahead([clip, pipe], FrameSampling(), WIDE, Decoders(workers=2))
    assert next(events).position == 0
    assert decoders()
    events.close()
    assert decoders() == []


def test_ctrl_c_is_the_parents_to_handle(clip: Path) -> None:
    events = decode_ahead([clip, clip], FrameSampling(), WIDE)
    first = next(events)
    for decoder in decoders():
        os.kill(decoder.pid or 0, signal.SIGINT)
    assert outcomes([first, *events]) == {0: "done", 1: "done"}


def test_no_more_processes_than_videos(clip: Path, pipe: Path) -> None:
    events = decode_ahead([clip, pipe], FrameSampling(), WIDE, Decoders(workers=8))
    next(events)
    assert len(decoders()) == 2
    events.close()
    assert list(decode_ahead([], FrameSampling(), WIDE)) == []


def test_unread_frames_do_not_pile_up(clip: Path) -> None:
    """Decoding waits for the consumer of frames, so most videos stay untouched until then."""
    events = decode_ahead([clip] * 40, FrameSampling(), FrameGeometry(224, 224))
    first = next(events)
    for _ in range(20):  # time enough to decode them all
        read_video(clip, FrameSampling(), FrameGeometry(224, 224))
    clip.unlink()
    results = list(outcomes([first, *events]).values())
    assert results.count("done") <= EVENTS_AHEAD
    assert results.count("done") + results.count("the file is gone") == 40


@pytest.mark.slow
def test_decoders_do_not_outlive_a_killed_parent(tmp_path: Path, clip: Path, pipe: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command = [sys.executable, str(script), str(clip), str(pipe)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"0\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []


def test_ctrl_c_leaves_one_traceback_at_most(tmp_path: Path, clip: Path, pipe: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command = [sys.executable, str(script), str(clip), str(pipe)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to the whole group
        _, errors = parent.communicate(timeout=20)
    assert errors.count(b"Traceback") == 1
    assert b"KeyboardInterrupt" in errors
