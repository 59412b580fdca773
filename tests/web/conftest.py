"""What the tests of the server share: a library of small clips that is indexed, and a client as a browser is one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from tests.color_encoder import ColorEncoder
from tests.made_videos import Sound, noise, solid_colour_clip
from vifi_cli.index.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.indexer import update_index
from vifi_cli.index.shards import indexed_with
from vifi_cli.video.discovery import find_videos
from vifi_cli.video.sampling import FrameSampling
from vifi_cli.web.app import make_app
from vifi_cli.web.library import videos_by_path

HOST = "http://127.0.0.1:8765"


@dataclass(frozen=True)
class Library:
    """A folder of videos and the index of them."""

    videos: Path
    index: Path

    def update(self) -> None:
        """Brings the index up to date, as `vifi index` does."""
        path = self.index / CATALOG_FILE
        if not path.exists():
            Catalog.create(path, indexed_with(ColorEncoder(), FrameSampling())).close()
        with Catalog(path) as catalog:
            update_index(catalog, find_videos([self.videos]), [self.videos], ColorEncoder, workers=1)

    def address(self, name: str, what: str, start: float = 0.0, end: float = 2.0) -> str:
        """The address of something of a video, such as its `file`."""
        query = "" if what == "file" else f"?{urlencode({'start': start, 'end': end})}"
        return f"/video/{self.key(name)}/{what}{query}"

    def key(self, name: str) -> str:
        """How addresses name a video."""
        path = self.videos / name
        with Catalog(self.index / CATALOG_FILE) as catalog:
            return str(videos_by_path(catalog, [path])[path].key)


def make_clips(folder: Path) -> None:
    """Clips that browsers can play and clips that they cannot, in two folders."""
    (folder / "day").mkdir(parents=True)
    (folder / "night").mkdir()
    solid_colour_clip(folder / "day" / "red.mp4", [("red", 4.0)])
    solid_colour_clip(folder / "day" / "red_then_blue.mp4", [("red", 6.0), ("blue", 6.0)])
    sound = Sound(noise(4.0, 44_100))
    solid_colour_clip(folder / "night" / "blue.mkv", [("blue", 4.0)], sound=sound)
    solid_colour_clip(folder / "night" / "green.mp4", [("green", 3.0)], codec="hevc")


@pytest.fixture(scope="session")
def made_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library for all tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("library")
    library = Library(folder / "videos", folder / "index")
    make_clips(library.videos)
    library.update()
    return library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library of a test's own, without videos yet."""
    made = Library(tmp_path / "videos", tmp_path / "index")
    made.videos.mkdir()
    return made


@pytest.fixture(scope="session")
def client(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server of the common library."""
    yield from serve(made_library, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def own_client(library: Library, tmp_path: Path) -> Iterator[TestClient]:
    """A client of a server of the test's own library."""
    yield from serve(library, tmp_path / "cache")


def serve(library: Library, cache: Path) -> Iterator[TestClient]:
    app = make_app(library.index, cache, lambda _: ColorEncoder())
    with TestClient(app, HOST, follow_redirects=False) as client:
        yield client
