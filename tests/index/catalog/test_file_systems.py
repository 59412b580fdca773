"""Catalogs on file systems where processes share no memory, or that other machines use too."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.errors import IndexLocked, IndexProblem
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import write_lock
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.video.decode.frame_sampling import FrameSampling

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
SIGNATURE = indexed_with(ColorEncoder(), FrameSampling())
Mounted = Callable[[str], tuple[Path, Path]]

STORE_MANY = """
import sys
from pathlib import Path
from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.lock import write_lock
folder = Path(sys.argv[1])
with write_lock(folder), Catalog(folder / "catalog.sqlite3") as catalog:
    print("begun", flush=True)
    for number in range(40):
        catalog.store(encoded_video(f"/v/{number}.mp4", [(1, 0, 0)], str(number)))
    sys.stdin.read()
"""


COUNT = """
import sys
from pathlib import Path
from vifi_cli.errors import IndexProblem
from vifi_cli.index.catalog.catalog import Catalog
try:
    with Catalog(Path(sys.argv[1]) / "catalog.sqlite3") as catalog:
        print(catalog.totals().videos)
except IndexProblem as problem:
    print(problem)
"""


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mounted]:
    """Mounts a folder by bindfs, with options; returns it and the mount."""
    if not shutil.which("bindfs") or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("bindfs or /dev/fuse is missing")
    mounts: list[Path] = []

    def mount(options: str) -> tuple[Path, Path]:
        under, over = tmp_path / "under", tmp_path / "over"
        under.mkdir()
        over.mkdir()
        if subprocess.run(["bindfs", "-o", options, under, over], capture_output=True).returncode:
            pytest.skip("this system lets nobody mount by FUSE")
        mounts.append(over)
        return under, over

    yield mount
    for folder in mounts:
        subprocess.run(["umount", "--lazy", folder], check=True)


def journal_mode(folder: Path) -> str:
    """As the file itself says."""
    kinds = {1: "rollback", 2: "wal"}
    return kinds[(folder / CATALOG_FILE).read_bytes()[18]]


def make(folder: Path) -> None:
    with Catalog.create(folder / CATALOG_FILE, SIGNATURE) as catalog:
        catalog.store(encoded_video("/v/a.mp4", [RED]))


def test_on_a_usual_disk_searches_go_on_while_an_index_run_writes(tmp_path: Path) -> None:
    make(tmp_path)
    assert journal_mode(tmp_path) == "wal"


@pytest.mark.parametrize("options", ["direct_io", "subtype=sshfs"])
def test_a_catalogue_is_made_and_searched(mounted: Mounted, options: str) -> None:
    under, folder = mounted(options)
    make(folder / "index")
    assert journal_mode(under / "index") == "rollback"
    for _ in range(2):  # vectors are made, then read
        with Catalog(folder / "index" / CATALOG_FILE) as catalog:
            assert catalog.totals().videos == 1
            assert not catalog.faults()
            assert len(open_vectors(catalog)) == 2
    assert journal_mode(under / "index") == "rollback"
    names = {path.suffix for path in (folder / "index").iterdir()}
    assert names == {".sqlite3", ".faiss"}


@pytest.mark.parametrize("options", ["direct_io", "subtype=sshfs"])
def test_a_catalogue_moved_there_loses_nothing(mounted: Mounted, tmp_path: Path, options: str) -> None:
    """What a killed run left in the write-ahead file comes along."""
    _, folder = mounted(options)
    make(tmp_path / "local")
    with Catalog(tmp_path / "local" / CATALOG_FILE) as catalog:
        catalog.store(encoded_video("/v/b.mp4", [BLUE]))
        for path in (tmp_path / "local").iterdir():
            shutil.copy(path, folder)
    assert (folder / f"{CATALOG_FILE}-wal").stat().st_size
    with Catalog(folder / CATALOG_FILE) as catalog:
        assert catalog.totals().videos == 2
        catalog.store(encoded_video("/v/c.mp4", [BLUE]))
    assert [path.name for path in folder.iterdir()] == [CATALOG_FILE]
    assert journal_mode(folder) == "rollback"


def test_searches_go_on_beside_an_index_run_and_a_second_run_is_refused(mounted: Mounted) -> None:
    _, folder = mounted("direct_io")
    make(folder / "index")
    command = [sys.executable, "-c", STORE_MANY, str(folder / "index")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        run.stdout.readline()
        with VideoIndex(folder / "index") as index:
            query = ColorEncoder().encode_texts(["red"])[0]
            videos = 0
            while videos < 41:
                assert index.search(query)
                videos = index.catalog.totals().videos
        with pytest.raises(IndexLocked, match=f"process {run.pid}"), write_lock(folder / "index"):
            pass
        run.communicate()
        assert run.returncode == 0


def test_another_vifi_that_writes_ahead_is_not_disturbed(mounted: Mounted, tmp_path: Path) -> None:
    """The folder is used through the share and, on the machine that serves it, by an earlier version."""
    under, folder = mounted("subtype=sshfs")
    make(under)
    assert journal_mode(under) == "wal"
    holder = sqlite3.connect(folder / CATALOG_FILE)
    holder.execute("SELECT count(*) FROM videos").fetchone()
    done = subprocess.run([sys.executable, "-c", COUNT, str(folder)], capture_output=True, text=True)
    holder.close()
    assert "another vifi has it open" in done.stdout
    with Catalog(folder / CATALOG_FILE) as catalog:
        assert catalog.totals().videos == 1


def test_a_share_on_which_locks_mean_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path)
    device = tmp_path.stat().st_dev
    table = tmp_path / "mountinfo"
    table.write_text(
        f"40 1 {os.major(device)}:{os.minor(device)} / {tmp_path} rw,relatime shared:1 - nfs server:/x "
        "rw,vers=3,nolock,local_lock=all\n"
    )
    monkeypatch.setattr("vifi_cli.disk.mounts.MOUNTS", table)
    with pytest.raises(IndexProblem, match=r"local_lock=all.*mount it without that option"):
        Catalog(tmp_path / CATALOG_FILE)
    table.write_text(table.read_text().replace("nolock,local_lock=all", "local_lock=none"))
    with Catalog(tmp_path / CATALOG_FILE) as catalog:
        assert catalog.totals().videos == 1
    assert journal_mode(tmp_path) == "rollback"
