"""Messages from workers carry values unchanged, and only those that a call announced."""

import json
import pickle
import time
import tracemalloc
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
from typing_extensions import TypeAliasType

from vifi_cli.errors import IndexLocked, InvalidInput, ReadingBrokeOff, UnreadableVideo
from vifi_cli.video.export.clip import Clip
from vifi_cli.video.export.probe import VideoFacts
from vifi_cli.video.pictures.frames import Frames, VideoInfo
from vifi_cli.video.workers.answer_reading import read_message
from vifi_cli.video.workers.isolated_worker import WorkerLost
from vifi_cli.video.workers.messages import Answers, Done, Failed, Message, Progress, Value, packed

FACTS = VideoFacts(3.5, Fraction(30000, 1001), 1080, 1920, has_sound=True, first_timecode="01:00:00;00")
FRAMES = Answers(VideoInfo, values=Frames, most_array_bytes=10_000)


@dataclass(frozen=True)
class _Mixed:
    way: Literal["copied", "encoded"]
    names: tuple[str, ...]
    pairs: tuple[tuple[int, float | None], ...]
    clip: Clip | VideoFacts
    matrix: npt.NDArray[np.float64]


def read(message: Message, answers: Answers[Any]) -> Message:
    return read_parts(*packed(message), answers=answers)


def read_parts(text: bytes, *arrays: bytes, answers: Answers[Any]) -> Message:
    rest = iter(arrays)

    def take(size_bytes: int) -> bytearray:
        part = bytearray(next(rest, b""))
        if len(part) != size_bytes:
            raise ValueError("another length")
        return part

    return read_message(text, take, answers)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (None, type(None)),
        ((1, 2.5, True, "text\udcff", (None, ())), tuple[int, float, bool, str, tuple[None, tuple[()]]]),
        ((b"still", b"", b"moving"), tuple[bytes, ...]),
        (FACTS, VideoFacts),
        (Clip(0.5, 1.0, False, ("a remark",)), Clip),
    ],
)
def test_values_come_back(value: object, form: Any) -> None:
    for message in (Done(value), Value(value)):
        assert read(message, Answers(form, values=form)) == message


def test_dataclasses_of_unions_literals_and_arrays_come_back() -> None:
    mixed = _Mixed("copied", ("a", "b"), ((1, 2.0), (2, None)), FACTS, np.arange(6.0).reshape(2, 3))
    again = read(Done(mixed), Answers(_Mixed))
    assert isinstance(again, Done)
    assert again.result.matrix.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (again.result.way, again.result.names, again.result.pairs) == (
        "copied",
        ("a", "b"),
        ((1, 2.0), (2, None)),
    )
    assert again.result.clip == FACTS


def test_reports_have_the_arguments_announced() -> None:
    answers = Answers(int, reports=(int, float))
    assert read(Progress((3, 0.5)), answers) == Progress((3, 0.5))
    assert read(Progress(()), answers) == Progress(())
    for wrong in ((3,), (0.5, 3), (3, "x"), (3, 0.5, 1), (3, float("nan")), (True, 0.5)):
        with pytest.raises(ValueError):
            read(Progress(wrong), answers)
    with pytest.raises(ValueError):
        read(Progress((1.0,)), Answers(int))


def test_frames_come_back_and_may_be_written_to() -> None:
    frames = Frames(np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3), np.array([0.0, 0.5]))
    message = read(Value(frames), FRAMES)
    assert isinstance(message, Value)
    assert np.array_equal(message.value.pixels, frames.pixels)
    assert np.array_equal(message.value.seconds, frames.seconds)
    message.value.pixels[:] = 0


def test_errors_come_back_as_what_a_caller_catches() -> None:
    for error in (InvalidInput("no"), UnreadableVideo("empty"), FileNotFoundError(2, "gone", "/a.mp4")):
        again = read(Failed.by(error), FRAMES)
        assert isinstance(again, Failed)
        assert (type(again.error()), str(again.error())) == (type(error), str(error))
    for error in (WorkerLost("crashed"), MemoryError()):
        assert type(Failed.by(error).error()) is ReadingBrokeOff
    for error in (IndexLocked("by nobody"), KeyError("a bug")):
        assert type(Failed.by(error).error()) is UnreadableVideo


def test_reasons_are_one_short_line() -> None:
    reason = str(Failed("UnreadableVideo", "a\nb\x1b[31m\x07" + "c" * 1_000_000).error())
    assert reason.startswith("a b [31m c")
    assert reason.isprintable()
    assert len(reason) <= 1000


def test_an_error_of_no_known_kind_is_refused() -> None:
    for kind in ("KeyboardInterrupt", "IndexLocked", "VifiError", "__doc__", "VideoFacts"):
        with pytest.raises(ValueError, match="not an error"):
            Failed(kind, "").error()


def document(name: str, **fields: Any) -> dict[str, Any]:
    return {"class": name, "fields": fields}


def array(dtype: str, shape: object) -> dict[str, Any]:
    return {"array": dtype, "shape": shape}


def chunk(pixels: object, seconds: object = None) -> bytes:
    frames = document("Frames", pixels=pixels, seconds=seconds or array("<f8", [1]), of_seconds=0.0)
    return json.dumps(document("Value", value=frames)).encode()


ATTACKS = {
    "pickle": pickle.dumps(Done(1)),
    "not JSON": b"{",
    "not UTF-8": b'"\xff"',
    "deep": b"[" * 100_000,
    "deep in a field": b'{"class": "Done", "fields": {"result": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    "a number": b"3",
    "a huge number": b'{"class": "Done", "fields": {"result": ' + b"9" * 100_000 + b"}}",
    "another class": json.dumps(document("Done", result=document("Clip", start_seconds=0.0))).encode(),
    "a function": json.dumps(document("os:system", command="true")).encode(),
    "a private class": json.dumps(document("vifi_cli.video.workers.messages:json")).encode(),
    "a field too many": json.dumps(document("Progress", arguments=[], more=1) | {"fields": {}}).encode(),
    "objects": chunk(array("|O", [1, 2, 2, 3])),
    "floats as pixels": chunk(array("<f8", [1, 2, 2, 3])),
    "records": chunk(array("|V12", [1, 2, 2, 3])),
    "2^40 bytes": chunk(array("|u1", [1, 2**20, 2**20, 3])),
    "2^40 frames": chunk(array("|u1", [2**40, 0, 0, 3]), array("<f8", [2**40])),
    "negative": chunk(array("|u1", [-1, 2, 2, 3])),
    "two negatives": chunk(array("|u1", [-1, -2, 2, 3])),
    "fractional": chunk(array("|u1", [1.0, 2, 2, 3])),
    "true": chunk(array("|u1", [True, 2, 2, 3])),
    "many axes": chunk(array("|u1", [1] * 1000)),
    "no list": chunk(array("|u1", "1223")),
    "a list of pixels": chunk([0, 1, 2]),
    "text as times": chunk(array("|u1", [1, 2, 2, 3]), "0.0"),
    "no array": chunk(document("Frames")),
}


@pytest.mark.parametrize("content", ATTACKS.values(), ids=ATTACKS)
def test_a_parent_takes_nothing_but_what_was_announced_and_little_memory(content: bytes) -> None:
    tracemalloc.start()
    started = time.perf_counter()
    try:
        with pytest.raises(ValueError):
            read_parts(content, b"\0" * 12, b"\0" * 8, answers=FRAMES)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "rate",
    [
        {"numerator": 1, "denominator": 0},
        {"numerator": 10**30, "denominator": 1},
        {"numerator": "1e9"},
        "1e999999999",
    ],
)
def test_fractions_are_of_small_numbers(rate: object) -> None:
    text = json.dumps(document("Done", result=rate)).encode()
    with pytest.raises(ValueError):
        read_parts(text, answers=Answers(Fraction))


def test_numbers_are_finite_and_facts_possible() -> None:
    for facts in (
        {"duration_seconds": float("nan")},
        {"duration_seconds": float("inf")},
        {"duration_seconds": -1.0},
        {"frame_rate": {"numerator": 0, "denominator": 1}},
        {"height": 0},
        {"width": "1"},
        {"has_sound": 1},
        {"first_timecode": 1},
    ):
        content = json.loads(packed(Done(FACTS))[0])
        content["fields"]["result"]["fields"] |= facts
        with pytest.raises(ValueError):
            read_parts(json.dumps(content).encode(), answers=Answers(VideoFacts))


def test_values_are_refused_where_none_were_announced() -> None:
    with pytest.raises(ValueError, match="announced"):
        read(Value(1), Answers(int))


def test_what_is_no_value_cannot_be_sent() -> None:
    with pytest.raises(TypeError, match="cannot send a set"):
        packed(Done({1}))


def test_arrays_by_an_alias_of_their_type_arrive() -> None:
    """From numpy 2.5 on, `NDArray` is such an alias, which looks different to those who read annotations."""
    scalar = TypeVar("scalar", bound=np.generic)
    alias = TypeAliasType("alias", np.ndarray[tuple[Any, ...], np.dtype[scalar]], type_params=(scalar,))  # type: ignore[type-arg]
    sent = np.arange(6, dtype=np.float32).reshape(2, 3)
    answers = Answers(alias[np.float32], most_array_bytes=100)
    arrived = read(Done(sent), answers)
    assert isinstance(arrived, Done)
    np.testing.assert_array_equal(arrived.result, sent)
    with pytest.raises(ValueError, match="not what was announced"):
        read(Done(sent.astype(np.float64)), answers)
