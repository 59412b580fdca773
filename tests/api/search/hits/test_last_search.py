"""The last search is kept whatever the names of its files, and its hits are found again after a change."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from vifi_cli.api.search.hits.last_search import FILE_NAME, FoundAgain, LastSearch, find_again, last_search
from vifi_cli.disk import access_rights
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.index.update.indexer import UpdateOptions, update_index
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.paths import index_folder
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos


def kept(*files: Path, query: str = "a cat") -> LastSearch:
    search = LastSearch.of(query, [SearchHit(file, 1.5, 3.0, 0.3) for file in files])
    search.keep()
    return search


@pytest.mark.parametrize(
    "name", ["a.mp4", "two\nlines\t\\.mp4", "日本\u202e.mp4", os.fsdecode(b"caf\xe9.mp4")]
)
def test_a_search_is_kept_for_its_owner_alone(vifi_home: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"1234")
    search = kept(file, tmp_path / "gone.mp4", query='a "cat"\n\udce9')
    assert last_search() == search
    assert [(hit.path, hit.start_seconds, hit.size_bytes) for hit in search.hits] == [
        (str(file), 1.5, 4),
        (str(tmp_path / "gone.mp4"), 1.5, None),
    ]
    assert find_again(search.hit(1)) == FoundAgain(file)
    assert stat.S_IMODE((vifi_home / FILE_NAME).stat().st_mode) == 0o600


def test_numbers_that_have_no_hit_are_refused_with_the_query(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match="nothing has been searched for yet: run `vifi search QUERY` first"
    ):
        last_search()
    kept(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert last_search().hit(2).path == str(tmp_path / "b.mp4")
    for number in (0, 3):
        with pytest.raises(InvalidInput, match=rf"no hit {number}: the last search \(a cat\) has 2 hits"):
            last_search().hit(number)
    kept(query="a wedding")
    with pytest.raises(InvalidInput, match=r"the last search \(a wedding\) found nothing"):
        last_search().hit(1)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"query": 1}', b'{"query": "a", "hits": [{"path": 1}]}', b"\xff"]
)
def test_a_damaged_file_is_said_to_be(vifi_home: Path, content: bytes) -> None:
    (vifi_home / FILE_NAME).write_bytes(content)
    with pytest.raises(InvalidInput, match="the last search cannot be read: run `vifi search QUERY` again"):
        last_search()


def test_in_the_data_folder_of_somebody_else_everybody_has_a_last_search_of_their_own(
    vifi_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = kept(tmp_path / "theirs.mp4")
    monkeypatch.setattr(access_rights, "is_of_user", lambda _: False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(InvalidInput, match="nothing has been searched for yet"):
        last_search()
    mine = kept(tmp_path / "mine.mp4")
    assert last_search() == mine
    monkeypatch.setenv("VIFI_HOME", str(tmp_path / "another"))
    with pytest.raises(InvalidInput, match="nothing has been searched for yet"):
        last_search()
    monkeypatch.undo()
    monkeypatch.setenv("VIFI_HOME", str(vifi_home))
    assert last_search() == theirs


def test_what_others_could_have_written_is_not_opened(vifi_home: Path, tmp_path: Path) -> None:
    kept(tmp_path / "a.mp4")
    (vifi_home / FILE_NAME).chmod(0o666)
    with pytest.raises(InvalidInput, match="the last search was made by another user"):
        last_search()


def test_where_nothing_can_be_written_no_older_search_stays(
    tmp_path: Path, vifi_home: Path, full_disk: None
) -> None:
    kept(tmp_path / "old.mp4")
    with pytest.raises(OSError):
        kept(*[tmp_path / ("x" * 200)] * 1000)
    with pytest.raises(InvalidInput, match="nothing has been searched for yet"):
        last_search()


def test_changed_and_moved_videos_are_noticed(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    moved = solid_colour_clip(videos / "moved.mp4", [("red", 1.0)])
    changed = solid_colour_clip(videos / "changed.mp4", [("red", 1.0)])
    search = kept(moved, changed)
    solid_colour_clip(changed, [("blue", 3.0)])
    elsewhere = videos / "here" / "name.mp4"
    elsewhere.parent.mkdir()
    shutil.move(moved, elsewhere)
    assert find_again(search.hit(1)) == FoundAgain(moved), "which is not there, as the player says"
    (remark,) = find_again(search.hit(2)).remarks
    assert remark.startswith("changed.mp4 has changed since the search, so 0:01 may show something else")
    index_folder().mkdir(parents=True)
    with Catalog.create(
        index_folder() / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())
    ) as catalog:
        update_index(catalog, find_videos([videos]), [videos], ColorEncoder, UpdateOptions(workers=1))
        assert find_again(search.hit(1)) == FoundAgain(elsewhere, (f"moved.mp4 has moved to {elsewhere}",))
        shutil.move(elsewhere, moved)
        search = kept(elsewhere)  # as the index still says
        assert find_again(search.hit(1)) == FoundAgain(elsewhere)
        update_index(catalog, find_videos([videos]), [videos], ColorEncoder, UpdateOptions(workers=1))
    assert find_again(search.hit(1)) == FoundAgain(moved, (f"name.mp4 has moved to {moved}",))
