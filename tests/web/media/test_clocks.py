"""The page shows the moments of the index, also in videos whose own times are set back or leap."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.made_videos import frame_number, numbered_frames, recordings_joined, write_video
from tests.video.export.played import play
from tests.web.conftest import Library, serve
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog


@pytest.fixture
def joined(library: Library) -> Path:
    path = recordings_joined(library.videos)
    for part in ("part1.ts", "part2.ts"):
        (library.videos / part).unlink()
    library.update()
    return path


@pytest.fixture
def joined_client(library: Library, joined: Path, tmp_path: Path) -> Iterator[TestClient]:
    yield from serve(library, tmp_path / "cache")


def shown(
    client: TestClient, library: Library, start: float, end: float, tmp_path: Path
) -> tuple[int, list[int]]:
    """The number in the still of a moment, and those of the frames that are played."""
    still = client.get(library.address("joined.ts", "still", start, end))
    assert still.status_code == 200
    clip = tmp_path / "played.mp4"
    clip.write_bytes(client.get(library.address("joined.ts", "moment", start, end)).content)
    picture = np.asarray(Image.open(io.BytesIO(still.content)).convert("RGB"))
    return frame_number(picture), play(clip).numbers


def test_joined_recordings_are_shown_where_the_index_found_them(
    joined_client: TestClient, library: Library, tmp_path: Path
) -> None:
    assert shown(joined_client, library, 2.5, 3.5, tmp_path) == (10, list(range(5, 15)))
    assert shown(joined_client, library, 0.5, 1.5, tmp_path) == (10, list(range(5, 15)))


def test_the_clock_of_an_old_index_is_found_out_once_and_kept(
    joined_client: TestClient, library: Library, joined: Path, tmp_path: Path
) -> None:
    with Catalog(library.index / CATALOG_FILE) as catalog:
        indexed = catalog.video_at(joined)
        assert indexed is not None
        made_when_indexed = catalog.clock(indexed.id)
        with catalog.transaction():
            catalog.db.execute("UPDATE videos SET clock = NULL")
        assert catalog.clock(indexed.id) is None
    assert shown(joined_client, library, 2.5, 3.5, tmp_path) == (10, list(range(5, 15)))
    with Catalog(library.index / CATALOG_FILE) as catalog:
        assert catalog.clock(indexed.id) == made_when_indexed
        assert made_when_indexed is not None
        assert not made_when_indexed.is_plain


def test_a_browser_gets_no_file_whose_own_times_leap(library: Library, tmp_path: Path) -> None:
    times = [number / 10 for number in range(75)]
    leaping = [*times, *(7.5 + 5 * 3600 + second for second in times)]
    write_video(library.videos / "leap.mp4", numbered_frames(150), frame_seconds=leaping)
    write_video(library.videos / "plain.mp4", numbered_frames(150))
    library.update()
    for client in serve(library, tmp_path / "cache"):
        for name, ways in (("leap.mp4", [True]), ("plain.mp4", [False, True])):
            answer = client.get(library.address(name, "sources", 9.0, 10.0)).json()
            assert [source["is_encoded"] for source in answer["sources"]] == ways, name
        assert client.get(library.address("leap.mp4", "file")).status_code == 422
