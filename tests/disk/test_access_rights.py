import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.other_user import NOBODY, needs_root
from vifi_cli import paths
from vifi_cli.disk.access_rights import NOTE_FILE, create_file, file_mode
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import write_lock
from vifi_cli.index.catalog.query_cache import CACHE_FILE, cached_text_embeddings
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that is not there yet."""
    monkeypatch.setenv("VIFI_HOME", str(tmp_path / "parent" / "home"))
    return tmp_path / "parent" / "home"


@pytest.fixture(params=[0o022, 0o077, 0o002, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    mask: int = request.param
    before = os.umask(mask)
    yield mask
    os.umask(before)


def old_home(home: Path) -> None:
    """A data folder as earlier versions made it, with the rights that the umask left."""
    (home / "index").mkdir(parents=True)
    (home / "cache" / "clips").mkdir(parents=True)
    for name in ("index/catalog.sqlite3", "index.lock", "cache/queries.sqlite3", "cache/clips/a.clip"):
        (home / name).touch()


def modes_in(home: Path) -> set[int]:
    return {mode_of(path) for path in home.rglob("*") if path.name != NOTE_FILE}


def test_what_vifi_makes_is_private_whatever_the_umask(home: Path, umask: int) -> None:
    paths.make_own_folder(home / "cache" / "pictures")
    with paths.replacing(home / "cache" / "pictures" / "a.jpg") as unfinished:
        assert mode_of(unfinished) == 0o600
        unfinished.touch()
    create_file(home / "cache" / "queries.sqlite3")
    assert mode_of(home) == 0o700
    assert {mode_of(path) for path in home.rglob("*") if path.is_dir()} == {0o700}
    assert {mode_of(path) for path in home.rglob("*") if path.is_file()} == {0o600}
    assert mode_of(home.parent) == 0o777 & ~umask, "the folder above is not vifi's"


def test_an_old_data_folder_becomes_private_once(home: Path) -> None:
    before = os.umask(0o022)
    old_home(home)
    paths.make_own_folder(home / "cache")
    assert mode_of(home) == 0o700
    assert modes_in(home) == {0o700, 0o600}
    for path in (home, *home.rglob("*")):
        path.chmod(0o750 if path.is_dir() else 0o640)
    paths.make_own_folder(home / "cache" / "moments")
    with paths.replacing(home / "index" / "new") as unfinished:
        unfinished.touch()
    os.umask(before)
    assert mode_of(home) == 0o750, "the owner has shared it"
    assert modes_in(home) == {0o750, 0o640}, "and what is new in it is shared too"


@pytest.mark.parametrize("mode", [0o2775, 0o2750])
def test_a_folder_that_was_shared_on_purpose_stays_shared(home: Path, mode: int) -> None:
    old_home(home)
    (home / "index").chmod(mode)
    home.chmod(mode)
    paths.make_own_folder(home / "cache" / "pictures")
    assert mode_of(home) == mode_of(home / "index") == mode_of(home / "cache" / "pictures") == mode


@pytest.mark.parametrize("mode", [0o1777, 0o777])
@pytest.mark.parametrize("make", [old_home, lambda home: home.mkdir(parents=True)], ids=["old", "new"])
def test_in_a_folder_that_anybody_can_write_to_the_index_is_private(
    home: Path, mode: int, make: Callable[[Path], None]
) -> None:
    """`VIFI_HOME=/tmp` must neither lock others out of `/tmp` nor let them into the index."""
    make(home)
    home.chmod(mode)
    paths.make_own_folder(home / "index")
    assert mode_of(home) == mode
    assert [path for path in home.rglob("*") if mode_of(path) & 0o077] == []


@needs_root
def test_a_folder_of_another_group_stays_shared(home: Path) -> None:
    old_home(home)
    os.chown(home, 0, NOBODY)
    home.chmod(0o770)
    paths.make_own_folder(home / "cache")
    assert mode_of(home) == 0o770


@needs_root
def test_a_folder_of_another_user_is_left_alone(home: Path) -> None:
    old_home(home)
    home.chmod(0o755)
    os.chown(home, NOBODY, NOBODY)
    paths.make_own_folder(home / "cache")
    assert mode_of(home) == 0o755
    assert not (home / NOTE_FILE).exists()


def test_the_first_index_in_a_shared_folder_is_shared(home: Path) -> None:
    home.mkdir(parents=True)
    home.chmod(0o2775)
    mode = paths.make_own_folder(home / "index")
    assert mode_of(home / "index") == 0o2775
    assert mode == file_mode(home / "index") == 0o664


def test_a_folder_that_holds_other_things_keeps_its_rights(home: Path) -> None:
    """`VIFI_HOME=/srv/media`: only what is vifi's own becomes private."""
    old_home(home)
    (home / "films").mkdir()
    (home / "films" / "a.mp4").touch()
    for path in (home, home / "films", home / "index"):
        path.chmod(0o755)
    (home / "films" / "a.mp4").chmod(0o644)
    paths.make_own_folder(home / "cache" / "pictures")
    assert (mode_of(home), mode_of(home / "films"), mode_of(home / "films" / "a.mp4")) == (
        0o755,
        0o755,
        0o644,
    )
    assert (mode_of(home / "index"), mode_of(home / "cache"), mode_of(home / "cache" / "pictures")) == (
        0o700,
    ) * 3
    assert mode_of(home / "index" / "catalog.sqlite3") == 0o600


def test_links_in_the_data_folder_are_not_followed(home: Path, tmp_path: Path) -> None:
    old_home(home)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    (home / "demo").symlink_to(elsewhere)
    paths.make_own_folder(home / "cache")
    assert mode_of(elsewhere) == 0o755


def test_a_new_index_elsewhere_is_private_and_an_existing_folder_stays(home: Path, tmp_path: Path) -> None:
    paths.make_own_folder(tmp_path / "project" / "index")
    assert mode_of(tmp_path / "project" / "index") == 0o700
    (tmp_path / "project" / "index").chmod(0o755)
    paths.make_own_folder(tmp_path / "project" / "index")
    paths.make_own_folder(tmp_path / "project" / "index.rebuild", like=tmp_path / "project" / "index")
    assert mode_of(tmp_path / "project" / "index") == mode_of(tmp_path / "project" / "index.rebuild") == 0o755


@needs_root
def test_what_root_makes_in_the_data_folder_of_a_user_is_the_users(home: Path) -> None:
    """`sudo vifi index`, or a container with the user's volume: its owner can still use all of it."""
    home.mkdir(parents=True)
    home.chmod(0o700)
    os.chown(home, NOBODY, NOBODY)
    with write_lock(home / "index"):
        Catalog.create(home / "index" / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())).close()
        cached_text_embeddings(home / "cache", "print", ["red"], ColorEncoder)
    made = [path for path in home.rglob("*") if path.name != NOTE_FILE]
    assert {path.name for path in made} == {"index", CATALOG_FILE, "cache", CACHE_FILE, "index.lock"}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(NOBODY, NOBODY)}
