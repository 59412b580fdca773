"""What a decoder may send that a file has taken over: raw bytes on the socket to its parent."""

import json
import os
import socket
import struct
import sys
import time

import numpy as np

from vifi_cli.video.pictures.frames import Frames, VideoInfo
from vifi_cli.video.workers.isolated_worker import Reporter
from vifi_cli.video.workers.messages import Done, Failed, Progress, Value
from vifi_cli.video.workers.part_stream import PartStream

INFO = VideoInfo(2.0, 64, 48, "h264", "sequential")
SIDE = 8


def socket_to_parent() -> socket.socket:
    """The socket that the process was started with, as native code would find it."""
    for descriptor in range(3, 64):
        try:
            found = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue
        if found.family == socket.AF_UNIX and found.type == socket.SOCK_STREAM:
            return found
    sys.exit("no socket to the parent")


def raw(content: bytes, reporter: Reporter) -> VideoInfo:
    """Sends bytes as they are, and then nothing."""
    socket_to_parent().sendall(content)
    time.sleep(60)
    return INFO


def part(content: bytes) -> bytes:
    return struct.pack("!Q", len(content)) + content


def announced(size_bytes: int, content: bytes = b"") -> bytes:
    return struct.pack("!Q", size_bytes) + content


def endless_part(reporter: Reporter) -> VideoInfo:
    """A message that never ends, a byte at a time."""
    end = socket_to_parent()
    end.sendall(announced(1_000_000))
    while True:
        end.sendall(b" ")
        time.sleep(0.05)


def flood(reporter: Reporter) -> VideoInfo:
    """The same message, for ever."""
    content = part(json.dumps({"class": "Progress", "fields": {"arguments": []}}).encode()) * 1000
    end = socket_to_parent()
    while True:
        end.sendall(content)


def frames_of(seconds: list[float], shape: tuple[int, ...] | None = None) -> Frames:
    return Frames(np.zeros(shape or (len(seconds), SIDE, SIDE, 3), np.uint8), np.array(seconds, np.float64))


def send(chunks: tuple[Frames, ...], reporter: Reporter, info: VideoInfo = INFO) -> VideoInfo:
    """Sends frames as a decoder does."""
    for frames in chunks:
        reporter.send(Value(frames))
    return info


def endless_frames(reporter: Reporter, step_seconds: float = 1e-6) -> VideoInfo:
    """Frames of ever later times, far more than a video of that length has."""
    start = 0.0
    while True:
        reporter.send(Value(frames_of([start + step_seconds * number for number in range(32)])))
        start += 32 * step_seconds


def claim_the_disk_is_full(reporter: Reporter) -> VideoInfo:
    reporter.send(Failed("OSError", "No space left on device", 28, "/etc/passwd"))
    time.sleep(60)
    return INFO


def claim(reporter: Reporter, kind: str) -> VideoInfo:
    """Says that an error of this kind was raised."""
    reporter.send(Failed(kind, "stop everything"))
    time.sleep(60)
    return INFO


def answer_the_next_call_too(reporter: Reporter) -> VideoInfo:
    """Answers for the next video before it is asked for it."""
    for _ in range(2):
        reporter.send(Value(frames_of([0.0])))
        reporter.send(Done(INFO))
    time.sleep(60)
    return INFO


def leave_a_child(reporter: Reporter) -> VideoInfo:
    """Ends, but a child of its own keeps the socket open."""
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os._exit(1)


def write_to_output(reporter: Reporter) -> None:
    os.write(1, b"not data")
    reporter.send(Progress(()))


def report_text(reporter: Reporter) -> None:
    reporter("not a number")


def read_no_further_call(reporter: Reporter) -> None:
    """Returns, but takes no call after that."""
    PartStream.receive = lambda *_: time.sleep(60)  # type: ignore[method-assign,assignment,return-value]


def take(content: bytes, reporter: Reporter) -> int:
    """Takes a large argument."""
    return len(content)
