"""A rebuild that was interrupted continues; what cannot be opened only now is not given up."""

import os
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.errors import IndexDamaged, IndexProblem
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.rebuild import finish_rebuild, open_rebuild, rebuild_folder
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling

SIGNATURE = indexed_with(ColorEncoder(), FrameSampling())
RED = (1.0, 0.0, 0.0)


def begin(folder: Path) -> None:
    """A rebuild with one video that is not finished."""
    Catalog.create(folder / CATALOG_FILE, SIGNATURE).close()
    with open_rebuild(folder, SIGNATURE) as rebuilt:
        rebuilt.store(encoded_video("/v/a.mp4", [RED]))


def test_it_continues(tmp_path: Path) -> None:
    begin(tmp_path / "index")
    with open_rebuild(tmp_path / "index", SIGNATURE) as rebuilt:
        assert rebuilt.totals().videos == 1


@pytest.mark.skipif(
    not Path("/proc/self/mountinfo").exists(), reason="the system does not say what is mounted"
)
def test_one_that_cannot_be_opened_now_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its disk has been mounted with an option that makes vifi refuse it."""
    begin(tmp_path / "index")
    device = tmp_path.stat().st_dev
    table = tmp_path / "mountinfo"
    table.write_text(f"40 1 {os.major(device)}:{os.minor(device)} / /m rw - nfs a:/x rw,nolock\n")
    with monkeypatch.context() as mounted:
        mounted.setattr("vifi_cli.disk.mounts.MOUNTS", table)
        with pytest.raises(IndexProblem, match="nolock"):
            open_rebuild(tmp_path / "index", SIGNATURE)
    with open_rebuild(tmp_path / "index", SIGNATURE) as rebuilt:
        assert rebuilt.totals().videos == 1


def test_a_damaged_one_is_made_again(tmp_path: Path) -> None:
    begin(tmp_path / "index")
    path = rebuild_folder(tmp_path / "index") / CATALOG_FILE
    path.write_bytes(b"damaged" * 10_000)
    with pytest.raises(IndexDamaged):
        Catalog(path)
    with open_rebuild(tmp_path / "index", SIGNATURE) as rebuilt:
        assert rebuilt.totals().videos == 0


def test_it_has_the_rights_of_the_index_that_it_replaces(tmp_path: Path) -> None:
    begin(tmp_path / "index")
    (tmp_path / "index").chmod(0o750)
    rebuild = rebuild_folder(tmp_path / "index")
    (rebuild / CATALOG_FILE).write_bytes(b"damaged" * 10_000)
    open_rebuild(tmp_path / "index", SIGNATURE).close()
    finish_rebuild(tmp_path / "index")
    assert (tmp_path / "index").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "index" / CATALOG_FILE).stat().st_mode & 0o777 == 0o640
