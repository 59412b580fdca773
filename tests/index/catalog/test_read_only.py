"""Catalogs that somebody may read but not write: the present state is shown, or a sentence, never an older state."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlite_utils import Database

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from tests.other_user import as_other_user, folder_for_all, needs_root
from vifi_cli.errors import IndexChanged, IndexProblem
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.migrations import MIGRATION_NAMES, migrations
from vifi_cli.index.catalog.reader import CatalogReader
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.video.decode.frame_sampling import FrameSampling

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
SIGNATURE = indexed_with(ColorEncoder(), FrameSampling())

COUNT = """
try:
    with Catalog(folder / "catalog.sqlite3") as catalog:
        print(catalog.totals().videos)
except VifiError as error:
    print(error)
"""

SEARCH = """
with Catalog(folder / "catalog.sqlite3") as catalog:
    print(len(open_vectors(catalog)))
"""

STORE_AND_DIE = """
import os, sys
from pathlib import Path
from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
catalog = Catalog(Path(sys.argv[1]) / "catalog.sqlite3")
catalog.store(encoded_video("/v/killed.mp4", [(0, 0, 1)]))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """An index with one video, checkpointed, which all users may read."""
    with folder_for_all() as folder:
        with Catalog.create(folder / CATALOG_FILE, SIGNATURE) as catalog:
            catalog.store(encoded_video("/v/a.mp4", [RED]))
        (folder / CATALOG_FILE).chmod(0o644)
        yield folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def store_and_die(folder: Path) -> None:
    """Stores a video as a run that is killed: what it wrote stays in the write-ahead file."""
    done = subprocess.run([sys.executable, "-c", STORE_AND_DIE, str(folder)])
    assert done.returncode == -signal.SIGKILL
    assert (folder / f"{CATALOG_FILE}-wal").stat().st_size


@needs_root
def test_at_rest_another_user_reads_it_and_leaves_nothing(shared: Path) -> None:
    assert as_other_user(COUNT, shared) == "1\n"
    assert names_in(shared) == [CATALOG_FILE]


@needs_root
def test_what_the_owner_is_writing_is_seen(shared: Path) -> None:
    with Catalog(shared / CATALOG_FILE) as catalog:
        catalog.store(encoded_video("/v/b.mp4", [BLUE]))
        assert as_other_user(COUNT, shared) == "2\n"


@needs_root
def test_what_a_killed_run_left_is_seen(shared: Path) -> None:
    store_and_die(shared)
    assert as_other_user(COUNT, shared) == "2\n"


@needs_root
@pytest.mark.parametrize("obstacle", ["forbidden", "without its index"])
def test_changes_that_cannot_be_read_are_named(shared: Path, obstacle: str) -> None:
    store_and_die(shared)
    if obstacle == "forbidden":
        (shared / f"{CATALOG_FILE}-wal").chmod(0o600)
    else:
        (shared / f"{CATALOG_FILE}-shm").unlink()
    told = as_other_user(COUNT, shared)
    assert "last changes of the index" in told
    assert "ask the owner" in told
    Catalog(shared / CATALOG_FILE).close()  # as the message says
    assert as_other_user(COUNT, shared) == "2\n"


@needs_root
def test_nothing_is_left_in_a_folder_that_others_can_write_to(shared: Path) -> None:
    shared.chmod(0o777)
    assert as_other_user(COUNT, shared) == "1\n"
    assert names_in(shared) == [CATALOG_FILE], "files of another user would lock the owner out"
    assert as_other_user(SEARCH, shared) == "2\n"
    assert names_in(shared) == [CATALOG_FILE]
    store_and_die(shared)
    before = names_in(shared)
    assert as_other_user(COUNT, shared) == "2\n"
    assert names_in(shared) == before
    with Catalog(shared / CATALOG_FILE) as catalog:
        catalog.store(encoded_video("/v/c.mp4", [BLUE]))


@needs_root
def test_a_folder_that_may_not_be_entered_is_named(shared: Path) -> None:
    shared.chmod(0o700)
    assert "you may not read the index" in as_other_user(COUNT, shared)


@needs_root
def test_a_rollback_journal_of_a_killed_run_is_never_ignored(shared: Path) -> None:
    """Half of a transaction is in the catalog; only who can write can undo it."""
    path = shared / CATALOG_FILE
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    crash = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA cache_size = 1');"
        "c.execute('BEGIN'); c.execute('UPDATE catalogue SET generation = 99');"
        "c.execute('CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
        " SELECT i, hex(randomblob(200)) AS b FROM n'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", crash, str(path)])
    assert path.with_name(f"{CATALOG_FILE}-journal").stat().st_size
    assert "last changes of the index" in as_other_user(COUNT, shared)


@needs_root
def test_another_user_searches_in_memory(shared: Path) -> None:
    (shared / "vectors-damaged.faiss").write_bytes(b"no vectors")
    assert as_other_user(SEARCH, shared) == "2\n"


@contextmanager
def read_only_mount(folder: Path, mount: Path) -> Iterator[Path]:
    """The same folder at another place, where it cannot be written."""
    mount.mkdir()
    if subprocess.run(["mount", "--bind", folder, mount], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", mount], check=True)
        yield mount
    finally:
        subprocess.run(["umount", "--lazy", mount], check=True)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """The folder of an index with one video, and the same folder mounted read-only."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a folder")
    folder = tmp_path / "index"
    with Catalog.create(folder / CATALOG_FILE, SIGNATURE) as catalog:
        catalog.store(encoded_video("/v/a.mp4", [RED]))
    with read_only_mount(folder, tmp_path / "mounted") as mount:
        yield folder, mount


def videos(folder: Path) -> int:
    with Catalog(folder / CATALOG_FILE) as catalog:
        return catalog.totals().videos


def test_a_read_only_mount_shows_what_a_killed_run_left(mounted: tuple[Path, Path]) -> None:
    folder, mount = mounted
    assert videos(mount) == 1
    store_and_die(folder)
    assert videos(mount) == 2


def _write_in_place(folder: Path) -> None:
    with Catalog(folder / CATALOG_FILE) as catalog:
        catalog.store(encoded_video("/v/b.mp4", [BLUE]))


def _write_and_keep_open(folder: Path) -> None:
    store_and_die(folder)


def _restore_backup(folder: Path) -> None:
    """A copy over the file, with its old time, as `cp -p` and `rsync --inplace` do."""
    status = (folder / CATALOG_FILE).stat()
    shutil.copy(folder / CATALOG_FILE, folder / "backup")
    shutil.copyfile(folder / "backup", folder / CATALOG_FILE)
    os.utime(folder / CATALOG_FILE, ns=(status.st_atime_ns, status.st_mtime_ns))


def _make_again(folder: Path) -> None:
    (folder / CATALOG_FILE).unlink()
    Catalog.create(folder / CATALOG_FILE, SIGNATURE).close()


@pytest.mark.parametrize("change", [_write_in_place, _write_and_keep_open, _restore_backup, _make_again])
def test_a_connection_on_a_read_only_mount_knows_when_it_is_outdated(
    mounted: tuple[Path, Path], change: Callable[[Path], None]
) -> None:
    folder, mount = mounted
    with CatalogReader(mount / CATALOG_FILE) as reader:
        assert not reader.is_outdated
        change(folder)
        assert reader.is_outdated
    with CatalogReader(mount / CATALOG_FILE) as reader:
        assert not reader.is_outdated


def test_a_change_while_reading_is_noticed_where_nothing_can_be_locked(mounted: tuple[Path, Path]) -> None:
    folder, mount = mounted
    with CatalogReader(mount / CATALOG_FILE) as reader:
        with reader.snapshot():
            assert reader.totals().videos == 1
        with pytest.raises(IndexChanged, match="changed while it was read"), reader.snapshot():
            _write_in_place(folder)


def make_older(path: Path) -> None:
    """A catalog of the first schema, without videos."""
    path.unlink(missing_ok=True)
    db = Database(path)
    migrations.apply(db, stop_before=MIGRATION_NAMES[1])
    known = {column.name for column in db.table("catalogue").columns}
    about = {name: value for name, value in asdict(SIGNATURE).items() if name in known}
    db.table("catalogue").insert({"id": 1, "generation": 0, "revision": "a", "created_at": "", **about})
    db.close()


def test_an_older_schema_is_read_where_it_cannot_be_updated(mounted: tuple[Path, Path]) -> None:
    folder, mount = mounted
    make_older(folder / CATALOG_FILE)
    before = (folder / CATALOG_FILE).read_bytes()
    with Catalog(mount / CATALOG_FILE) as reader:
        assert reader.totals().videos == 0
        assert not reader.is_outdated
        with pytest.raises(IndexProblem, match="readonly"):  # what is stored in a copy would be lost
            reader.store(encoded_video("/v/a.mp4", [RED]))
        _write_in_place(folder)
        assert reader.is_outdated
    assert before != (folder / CATALOG_FILE).read_bytes()
    assert videos(mount) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, with an index of one video in `index`."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("this system lets nobody mount a file system")
    with Catalog.create(disk / "index" / CATALOG_FILE, SIGNATURE) as catalog:
        catalog.store(encoded_video("/v/a.mp4", [RED]))
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> None:
    """Leaves no room at all."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


@pytest.mark.parametrize("killed", [False, True])
def test_a_full_disk_can_be_searched(small_disk: Path, killed: bool) -> None:
    folder = small_disk / "index"
    if killed:
        store_and_die(folder)
    fill(small_disk)
    with Catalog(folder / CATALOG_FILE) as catalog:
        assert catalog.totals().videos == 1 + killed
        assert len(open_vectors(catalog)) == 2 * (1 + killed)
        with pytest.raises(IndexProblem, match="free disk space"):
            catalog.store(encoded_video("/v/b.mp4", [BLUE]))
    assert not [path for path in folder.iterdir() if path.suffix == ".part"]
    (small_disk / "filler").unlink()
    with Catalog(folder / CATALOG_FILE) as catalog:
        assert catalog.db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        catalog.store(encoded_video("/v/b.mp4", [BLUE]))
        assert catalog.totals().videos == 2 + killed


def test_an_index_that_cannot_be_made_is_named(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(IndexProblem, match="free disk space"):
        Catalog.create(small_disk / "new.sqlite3", SIGNATURE)
    assert names_in(small_disk) == ["filler", "index"]


def test_an_older_schema_is_read_on_a_full_disk(small_disk: Path) -> None:
    make_older(small_disk / "index" / CATALOG_FILE)
    fill(small_disk)
    with Catalog(small_disk / "index" / CATALOG_FILE) as catalog:
        with catalog.snapshot():
            assert catalog.totals().videos == 0
        with pytest.raises(IndexProblem, match="free disk space"):
            catalog.store(encoded_video("/v/a.mp4", [RED]))
    (small_disk / "filler").unlink()
    with Catalog(small_disk / "index" / CATALOG_FILE) as catalog:
        assert catalog.indexed_with == SIGNATURE  # an encoder of single frames
        catalog.store(encoded_video("/v/a.mp4", [RED]))
        assert catalog.totals().videos == 1


def test_an_older_schema_is_read_where_files_may_not_grow(tmp_path: Path) -> None:
    make_older(tmp_path / CATALOG_FILE)
    with sqlite3.connect(tmp_path / CATALOG_FILE) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    code = f"""
import resource
from pathlib import Path
from vifi_cli.index.catalog.catalog import Catalog
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, -1))
with Catalog(Path({str(tmp_path / CATALOG_FILE)!r})) as catalog, catalog.snapshot():
    print(catalog.totals().videos)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0\n", "")
