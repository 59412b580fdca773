import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vifi_cli.errors import IndexLocked
from vifi_cli.index.catalog.lock import note_progress, running_writer, write_lock

HOLD = """
import sys
from pathlib import Path
from vifi_cli.index.catalog.lock import note_progress, write_lock
folder = Path(sys.argv[1])
with write_lock(folder):
    note_progress(folder, 12, 5)
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_holding(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder
        holder.kill()


def test_the_second_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with (
        another_process_holding(folder) as holder,
        pytest.raises(IndexLocked, match=f"process {holder.pid} "),
        write_lock(folder),
    ):
        pass
    with write_lock(folder):  # the death of its holder frees it
        pass
    with write_lock(folder):
        assert str(os.getpid()) in (tmp_path / "index.lock-holder.json").read_text()


def test_others_see_who_writes_and_how_far_it_has_come(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    assert running_writer(folder) is None
    with another_process_holding(folder) as holder:
        writer = running_writer(folder)
        assert writer is not None
        assert (writer.pid, writer.files, writer.files_done) == (holder.pid, 12, 5)
    assert running_writer(folder) is None, "the note of a killed process is not a writer"
    with write_lock(folder):
        writer = running_writer(folder)
        assert writer is not None
        assert (writer.pid, writer.files, writer.files_done) == (os.getpid(), None, 0)
        note_progress(folder, 3, 1)
        note_progress(folder, 3, 2)
        writer = running_writer(folder)
        assert writer is not None
        assert (writer.files, writer.files_done) == (3, 2)
    assert running_writer(folder) is None


@pytest.mark.parametrize("left", ["", "[]", "{}", '{"pid": 1, "host": "a", "since": "yesterday"}'])
def test_a_note_that_makes_no_sense_is_none(tmp_path: Path, left: str) -> None:
    (tmp_path / "index.lock-holder.json").write_text(left)
    assert running_writer(tmp_path / "index") is None
    with write_lock(tmp_path / "index"):
        pass


def test_without_the_lock_nothing_is_noted(tmp_path: Path) -> None:
    note_progress(tmp_path / "index", 3, 1)
    assert running_writer(tmp_path / "index") is None
    assert not list(tmp_path.iterdir())
