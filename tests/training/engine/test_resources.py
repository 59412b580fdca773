"""The peak of memory is that of the system, for this process and for those that read."""

import multiprocessing
import sys

import pytest

from vifi_cli.training.engine.resources import peak_memory, peak_memory_of_readers

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="the system does not tell it of other processes"
)
MORE = 200 * 2**20  # bytes


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell it")
def test_the_peak_of_this_process_remains_when_its_memory_is_freed() -> None:
    before = peak_memory()
    assert before is not None
    held = bytearray(b"x") * before
    del held
    after = peak_memory()
    assert after is not None
    assert 1.3 * before < after < 2.2 * before


@linux_only
def test_readers_count_at_their_own_peak() -> None:
    assert peak_memory_of_readers() == 0
    context = multiprocessing.get_context("spawn")
    # what takes memory is made there, from a small argument; then it waits
    reader = context.Process(target=_hold, args=(done := context.Event(), over := context.Event()))
    reader.start()
    try:
        assert done.wait(60)
        assert MORE < peak_memory_of_readers() < 4 * MORE
    finally:
        over.set()
        reader.join()
    assert peak_memory_of_readers() == 0


def _hold(done, over) -> None:  # type: ignore[no-untyped-def]
    held = bytearray(b"x") * MORE
    del held
    done.set()
    over.wait(60)
