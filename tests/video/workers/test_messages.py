"""Messages from workers carry values unchanged, and only values."""

import json
import os
import pickle
from fractions import Fraction
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vifi_cli.errors import InvalidInput, UnreadableVideo, VideoOutOfReach
from vifi_cli.video.decode.frames import Frames
from vifi_cli.video.export.probe import VideoFacts
from vifi_cli.video.workers.isolated_worker import WorkerLost
from vifi_cli.video.workers.messages import Done, Failed, Message, Progress, Value, packed, receive


def sent(*parts: bytes) -> Message:
    ours, theirs = Pipe()
    with ours, theirs:
        for part in parts:
            theirs.send_bytes(part)
        theirs.close()
        return receive(ours)


@pytest.mark.parametrize(
    "value",
    [
        None,
        (1, 2.5, True, "text", os.fsdecode(b"\xff"), float("inf"), (None, ())),
        Path(os.fsdecode(b"/videos/\xff.mp4")),
        (b"still", b"", Path("between"), b"moving"),
        VideoFacts(3.5, Fraction(30000, 1001), 1080, 1920, has_sound=True, first_timecode="01:00:00;00"),
    ],
)
def test_values_come_back(value: object) -> None:
    for message in (Done(value), Value(value), Progress((value,))):
        assert sent(*packed(message)) == message


def test_frames_come_back_and_may_be_written_to() -> None:
    frames = Frames(np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3), np.array([0.0, 0.5]))
    message = sent(*packed(Value(frames)))
    assert isinstance(message, Value)
    assert np.array_equal(message.value.pixels, frames.pixels)
    assert np.array_equal(message.value.seconds, frames.seconds)
    message.value.pixels[:] = 0


def test_errors_come_back_as_what_a_caller_catches() -> None:
    for error in (InvalidInput("no"), UnreadableVideo("empty"), FileNotFoundError(2, "gone", "/a.mp4")):
        again = sent(*packed(Failed.by(error)))
        assert isinstance(again, Failed)
        assert (type(again.error()), str(again.error())) == (type(error), str(error))
    assert type(Failed.by(WorkerLost("crashed")).error()) is VideoOutOfReach
    assert type(Failed.by(MemoryError()).error()) is VideoOutOfReach


def document(name: str, **fields: Any) -> bytes:
    return json.dumps({"class": name, "fields": fields}).encode()


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Done(1)),
        b"{",
        b"[" * 100_000,
        b"3",
        document("os:system", command="true"),
        document("vifi_cli.errors:InvalidInput"),
        document("vifi_cli.video.workers.messages:Done", outcome=1),
        document("vifi_cli.video.decode.frames:Frames", pixels=1, seconds=2),
        document("vifi_cli.video.workers.messages:json"),
        document("vifi_cli.video.workers.messages:Done", result={"array": "|O", "shape": [1]}),
    ],
)
def test_a_parent_takes_nothing_but_values(content: bytes) -> None:
    with pytest.raises(ValueError):
        sent(content, b"12345678")


def test_an_error_of_no_known_kind_is_refused() -> None:
    for kind in ("KeyboardInterrupt", "__doc__", "VideoFacts"):
        with pytest.raises(ValueError, match="not an error"):
            Failed(kind, ()).error()


def test_what_is_no_value_cannot_be_sent() -> None:
    with pytest.raises(TypeError, match="cannot send a set"):
        packed(Done({1}))
