"""Cutting from an indexed video uses the clock that the index keeps."""

from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.made_videos import recordings_joined
from vifi_cli.api.cut.known_clocks import keep_clocks, known_clocks
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.indexer import UpdateOptions, update_index
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.paths import index_folder
from vifi_cli.video.container.clock_reading import read_clock
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos


@pytest.fixture
def joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIFI_HOME", str(tmp_path / "home"))
    (tmp_path / "videos").mkdir()
    return recordings_joined(tmp_path / "videos")


def test_without_an_index_no_clock_is_known(joined: Path) -> None:
    assert known_clocks([joined]) == {}


def test_an_unchanged_video_has_the_clock_of_the_index(joined: Path, tmp_path: Path) -> None:
    index_folder().mkdir(parents=True)
    with Catalog.create(
        index_folder() / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())
    ) as catalog:
        update_index(
            catalog, find_videos([joined.parent]), [joined.parent], ColorEncoder, UpdateOptions(workers=1)
        )
    known = known_clocks([joined, joined.with_name("other.ts")])
    assert known == {joined: read_clock(joined)}
    assert len(known[joined].segments) == 2
    with Catalog(index_folder() / CATALOG_FILE) as catalog, catalog.transaction():
        catalog.db.execute("UPDATE videos SET clock = NULL")  # as an older vifi indexed it
    assert known_clocks([joined]) == {}
    keep_clocks({**known, joined.with_name("other.ts"): known[joined]})
    assert known_clocks([joined]) == known
    assert known_clocks([joined], index_folder().with_name("other")) == {}
    elsewhere = index_folder().rename(tmp_path / "elsewhere")
    assert known_clocks([joined], elsewhere) == known
    elsewhere.rename(index_folder())
    joined.write_bytes(joined.read_bytes() + bytes(188))
    assert known_clocks([joined]) == {}
