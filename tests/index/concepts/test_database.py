"""The file of concepts where it cannot be used as usual: what was stored stays, and a line says what to do."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.other_user import as_other_user, folder_for_all, needs_root
from vifi_cli.errors import IndexDamaged, IndexLocked, IndexProblem
from vifi_cli.index.concepts import database
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.concepts.store import ConceptStore

RIGHT = Mark(Path("/videos/a.mp4"), 1.0, 3.0, True, "a")
WRONG = Mark(Path("/videos/b.mp4"), 0.0, 2.0, False, "b")


def taught(folder: Path) -> ConceptStore:
    """A store with one concept that has one mark."""
    store = ConceptStore(folder / "index")
    store.add("waving", "a person waves")
    store.mark("waving", RIGHT)
    return store


def test_the_file_has_the_access_rights_of_the_index(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index").chmod(0o750)
    assert stat.S_IMODE(taught(tmp_path).path.stat().st_mode) == 0o640


USE_AS_OTHER = """
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.concepts.store import ConceptStore
for name in ("shared", "unreadable", "closed"):
    store = ConceptStore(folder / name / "index")
    for use in (store.names, lambda: store.mark("waving", Mark(folder, 0.0, 1.0, True, "x")), store.names):
        try:
            print(use())
        except VifiError as error:
            print(error)
"""


@needs_root
def test_another_user_reads_what_is_shared_and_changes_nothing() -> None:
    with folder_for_all() as folder:
        stores = {name: taught(folder / name) for name in ("shared", "unreadable", "closed")}
        for name, store in stores.items():
            store.path.parent.chmod(0o700 if name == "closed" else 0o755)
            store.path.chmod(0o600 if name == "unreadable" else 0o644)
        before = stores["shared"].path.read_bytes()
        said = as_other_user(USE_AS_OTHER, folder).splitlines()
        assert said[0] == said[2] == "['waving']"
        assert "you may read the concepts" in said[1]
        assert "but not change them" in said[1]
        assert stores["shared"].path.read_bytes() == before
        assert [path.name for path in (folder / "shared").iterdir()] == ["index-concepts.sqlite3"]
        assert "check the access rights" in said[3]
        assert "you may not read the concepts" in said[6]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of little room."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this system lets nobody mount a file system")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> None:
    """Leaves no room at all."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def test_a_full_disk_keeps_what_is_stored_and_can_be_read(small_disk: Path) -> None:
    store = taught(small_disk)
    fill(small_disk)

    def mark_many() -> None:
        for second in range(2000):  # until the room within the file is used up
            store.mark("waving", Mark(Path("/videos/c.mp4"), second, second + 1, True, "c" * 500))

    with pytest.raises(IndexProblem, match=r"what was stored is safe.*free disk space"):
        mark_many()
    kept = len(store.get("waving").marks)
    assert kept >= 1
    (small_disk / "filler").unlink()
    store.mark("waving", WRONG)
    assert len(store.get("waving").marks) == kept + 1


def test_a_read_only_disk_is_read(small_disk: Path) -> None:
    store = taught(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert store.get("waving").marks == (RIGHT,)
    with pytest.raises(IndexProblem, match="but not change them"):
        store.mark("waving", WRONG)
    with pytest.raises(IndexProblem, match="could not be used"):
        ConceptStore(small_disk / "new").add("waving", "a person waves")


def test_a_database_that_stays_locked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = taught(tmp_path)
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.0)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.get("waving").marks == (RIGHT,), "readers do not wait for who is about to write"
        with pytest.raises(IndexLocked, match=r"another program keeps the concepts .* locked"):
            store.mark("waving", WRONG)
        other.execute("COMMIT")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(IndexLocked):
            store.names()
    store.mark("waving", WRONG)
    assert store.get("waving").marks == (RIGHT, WRONG)


def test_a_damaged_file_is_named_and_stays(tmp_path: Path) -> None:
    store = taught(tmp_path)
    for content in (b"no database " * 100, store.path.read_bytes()[:4096] + b"\xff" * 20_000):
        store.path.write_bytes(content)
        for use in (store.names, lambda: store.get("waving"), lambda: store.mark("waving", WRONG)):
            with pytest.raises(IndexDamaged, match=r"index-concepts\.sqlite3 cannot be read as concepts"):
                use()
        assert store.path.read_bytes() == content


def test_a_file_of_a_newer_vifi_is_refused_and_stays(tmp_path: Path) -> None:
    store = taught(tmp_path)
    with closing(sqlite3.connect(store.path)) as db, db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('vifi-concepts', 'm999_future', '')"
        )
    before = store.path.read_bytes()
    for use in (store.names, lambda: store.mark("waving", WRONG)):
        with pytest.raises(IndexDamaged, match="newer vifi: upgrade"):
            use()
    assert store.path.read_bytes() == before


def test_an_empty_file_holds_no_concepts_yet(tmp_path: Path) -> None:
    """As a process leaves it that was killed when it had just made it."""
    store = ConceptStore(tmp_path / "index")
    store.path.touch()
    assert store.names() == []
    assert store.path.stat().st_size == 0
    store.add("waving", "a person waves")
    assert store.names() == ["waving"]


CRASH = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN")
db.execute("DELETE FROM marks")
db.execute("UPDATE concepts SET name = 'lost', description = hex(randomblob(50000))")
os.kill(os.getpid(), 9)
"""


def test_what_was_stored_survives_a_process_that_is_killed_while_it_writes(tmp_path: Path) -> None:
    store = taught(tmp_path)
    done = subprocess.run([sys.executable, "-c", CRASH, str(store.path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert store.path.with_name(f"{store.path.name}-journal").stat().st_size, "it was half written"
    concept = store.get("waving")
    assert (concept.description, concept.marks) == ("a person waves", (RIGHT,))
    assert [path.name for path in tmp_path.iterdir()] == ["index-concepts.sqlite3"]


def test_a_failure_while_something_is_stored_takes_all_of_it_back(tmp_path: Path) -> None:
    store = taught(tmp_path)

    def fail() -> None:
        with database.writing(tmp_path / "index") as db:
            db.execute("DELETE FROM marks")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.get("waving").marks == (RIGHT,)


def test_a_file_that_was_restored_is_seen_at_once(tmp_path: Path) -> None:
    store = taught(tmp_path)
    backup = store.path.read_bytes()
    store.mark("waving", WRONG)
    restored = tmp_path / "restored"
    restored.write_bytes(backup)
    restored.replace(store.path)
    assert store.get("waving").marks == (RIGHT,)
