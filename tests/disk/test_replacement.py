import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vifi_cli import paths
from vifi_cli.disk.replacement import new_folder, remove_abandoned, replacement, temporary_file

BEGIN_AND_DIE = """
import os, sys
from collections.abc import Iterator
from pathlib import Path
from vifi_cli.disk.replacement import new_folder, replacement
make = new_folder if sys.argv[2] == "folder" else replacement
with make(Path(sys.argv[1])) as unfinished:
    print(unfinished, flush=True)
    if sys.argv[2] == "wait":
        sys.stdin.read()
    os.kill(os.getpid(), 9)
"""


LEAVE_WHILE_A_THREAD_WRITES = """
import sys, threading
from pathlib import Path
from vifi_cli.disk.replacement import replacement
from vifi_cli.stop_signals import leave
begun = threading.Event()
def write():
    with replacement(Path(sys.argv[1])) as unfinished:
        unfinished.write_text("a")
        begun.set()
        threading.Event().wait()
threading.Thread(target=write, daemon=True).start()
begun.wait()
leave(3)
"""


def begin_and_die(target: Path, kind: str = "file") -> Path:
    """What a process leaves that was killed while it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN_AND_DIE, str(target), kind], capture_output=True, text=True
    )
    return Path(done.stdout.strip())


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    mask: int = request.param
    before = os.umask(mask)
    yield mask
    os.umask(before)


def test_the_target_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with replacement(target) as unfinished:
        assert names_in(tmp_path) == [unfinished.name]
        assert unfinished.suffix == ".part"
        unfinished.write_text("new")
        assert not target.exists()
    assert names_in(tmp_path) == ["a.txt"]
    assert target.read_text() == "new"


def test_an_error_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OSError, match="full"), replacement(target) as unfinished:  # noqa: PT012
        unfinished.write_text("half")
        raise OSError("full")
    assert names_in(tmp_path) == ["a.txt"]
    assert target.read_text() == "old"


def test_names_are_not_predictable(tmp_path: Path) -> None:
    with replacement(tmp_path / "a") as one, replacement(tmp_path / "a") as two:
        assert one != two
        assert str(os.getpid()) not in one.name.split(".")
        for unfinished in (one, two):
            unfinished.touch()


def test_a_prepared_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who guessed the name put a link there: another name is taken, and the link's target stays."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    guessed = iter(["0" * 16])
    real = __import__("secrets").token_hex
    monkeypatch.setattr("secrets.token_hex", lambda size: next(guessed, None) or real(size))
    trap = tmp_path / f".a.vifi-{'0' * 16}.part"
    trap.symlink_to(victim)
    with replacement(tmp_path / "a") as unfinished:
        unfinished.write_text("new")
    assert victim.read_text() == "precious"
    assert trap.is_symlink()
    assert (tmp_path / "a").read_text() == "new"


def test_a_link_put_in_place_of_the_unfinished_file_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    with pytest.raises(OSError), replacement(tmp_path / "a") as unfinished:  # noqa: PT012
        unfinished.unlink()
        unfinished.symlink_to(victim)
    assert names_in(tmp_path) == ["victim"]


def test_a_target_that_is_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "a").symlink_to("victim")
    with replacement(tmp_path / "a") as unfinished:
        unfinished.write_text("new")
    assert not (tmp_path / "a").is_symlink()
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_target_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="not a file"), replacement(tmp_path / name):
            pass
    assert names_in(tmp_path) == ["folder", "pipe"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002], indirect=True)
def test_an_export_has_the_rights_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    paths.write_file(tmp_path / "out" / "a.txt", b"new")
    assert mode_of(tmp_path / "out" / "a.txt") == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o640, 0o444, 0o755])
def test_a_replaced_file_keeps_its_rights(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "a.txt"
    target.touch()
    target.chmod(mode)
    paths.write_file(target, b"new")
    assert (mode_of(target), target.read_bytes()) == (mode, b"new")


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / f"{'ü' * 125}.mp4"  # 254 bytes
    paths.write_file(target, b"new")
    assert names_in(tmp_path) == [target.name]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_is_removed(tmp_path: Path, kind: str) -> None:
    left = begin_and_die(tmp_path / "a", kind)
    assert left.exists()
    paths.write_file(tmp_path / "b", b"new")
    assert names_in(tmp_path) == ["b"]


def test_a_command_that_waits_for_no_thread_removes_what_its_threads_were_writing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEAVE_WHILE_A_THREAD_WRITES, str(tmp_path / "a")]
    assert subprocess.run(command).returncode == 3
    assert names_in(tmp_path) == []


def test_what_another_process_is_writing_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BEGIN_AND_DIE, str(tmp_path / "a"), "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        unfinished = Path(writer.stdout.readline().strip())
        os.utime(unfinished, (0, 0))
        remove_abandoned(tmp_path)
        assert unfinished.exists()
        writer.communicate()
    remove_abandoned(tmp_path)
    assert not unfinished.exists()


def test_files_of_others_stay_and_those_of_earlier_versions_go_when_they_are_old(tmp_path: Path) -> None:
    names = [".a.part", ".download.123.part", "b.part", ".c.vifi-zz.part", "vectors-1-a.77.tmp", "d.tmp"]
    for name in names:
        (tmp_path / name).touch()
    remove_abandoned(tmp_path, earlier=True)
    assert names_in(tmp_path) == sorted(names), "the process may still be there"
    long_ago = time.time() - 7200
    for name in names:
        os.utime(tmp_path / name, (long_ago, long_ago))
    remove_abandoned(tmp_path)
    assert names_in(tmp_path) == sorted(names)
    remove_abandoned(tmp_path, earlier=True)
    assert names_in(tmp_path) == [".a.part", ".c.vifi-zz.part", "b.part", "d.tmp"]


def test_what_sqlite_keeps_beside_a_file_goes_with_it(tmp_path: Path) -> None:
    with temporary_file(tmp_path / "a") as unfinished:
        journal = unfinished.with_name(f"{unfinished.name}-journal")
        journal.touch()
        os.utime(journal, (0, 0))
        remove_abandoned(tmp_path)
        assert journal.exists()
    assert not names_in(tmp_path)
    left = begin_and_die(tmp_path / "b")
    left.with_name(f"{left.name}-journal").touch()
    remove_abandoned(tmp_path)
    assert not names_in(tmp_path)


def test_a_folder_takes_its_name_when_it_is_complete(tmp_path: Path) -> None:
    with new_folder(tmp_path / "a") as unfinished:
        (unfinished / "x").touch()
        assert names_in(tmp_path) == [unfinished.name]
    assert names_in(tmp_path) == ["a"]
    with pytest.raises(OSError, match="full"), new_folder(tmp_path / "b") as unfinished:
        raise OSError("full")
    assert names_in(tmp_path) == ["a"]


def test_an_error_names_what_was_asked_for_where_nothing_can_be_created(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised, replacement(tmp_path / "missing" / "a"):
        pass
    assert raised.value.filename == str(tmp_path / "missing" / "a")


def test_an_error_names_what_was_asked_for(tmp_path: Path, full_disk: None) -> None:
    with pytest.raises(OSError, match="File too large") as raised:
        paths.write_file(tmp_path / "a", bytes(200_000))
    assert raised.value.filename == str(tmp_path / "a")
    assert not names_in(tmp_path)
