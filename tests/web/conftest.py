"""An indexed library of small clips, and a client that asks the server as a browser does."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from tests.color_encoder import ColorEncoder
from tests.made_videos import Sound, noise, solid_colour_clip
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import EncodedVideo
from vifi_cli.index.update.indexer import UpdateOptions, update_index
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import Discovery, find_videos
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.pictures.frames import VideoInfo
from vifi_cli.web.app import make_app
from vifi_cli.web.requests.address import key_of

HOST = "http://127.0.0.1:8765"


@dataclass(frozen=True)
class Library:
    """A folder of videos and the index of them."""

    videos: Path
    index: Path

    def update(self, found: Discovery | None = None) -> None:
        """Brings the index up to date, as `vifi index` does, with what it usually finds or with this."""
        path = self.index / CATALOG_FILE
        if not path.exists():
            Catalog.create(path, indexed_with(ColorEncoder(), FrameSampling())).close()
        with Catalog(path) as catalog:
            update_index(
                catalog,
                found or find_videos([self.videos]),
                [self.videos],
                ColorEncoder,
                UpdateOptions(workers=1),
            )

    def address(self, name: str, what: str, start: float = 0.0, end: float = 2.0) -> str:
        """The address of something of a video, such as its `file`."""
        query = "" if what == "file" else f"?{urlencode({'start': start, 'end': end})}"
        return f"/video/{self.key(name)}/{what}{query}"

    def play(self, name: str, start: float = 0.0, end: float = 2.0) -> str:
        """The address of the page that plays a moment of a video."""
        return f"/play/{self.key(name)}?{urlencode({'start': start, 'end': end})}"

    def key(self, name: str) -> str:
        """The key that names a video in addresses."""
        with Catalog(self.index / CATALOG_FILE) as catalog:
            video = catalog.video_at(self.videos / name)
            assert video is not None
            return str(key_of(video))


def make_clips(folder: Path) -> None:
    """Clips that browsers can play and clips that they cannot, in two folders."""
    (folder / "day").mkdir(parents=True)
    (folder / "night").mkdir()
    solid_colour_clip(folder / "day" / "red.mp4", [("red", 4.0)])
    solid_colour_clip(folder / "day" / "red_then_blue.mp4", [("red", 6.0), ("blue", 6.0)])
    sound = Sound(noise(4.0, 44_100))
    solid_colour_clip(folder / "night" / "blue.mkv", [("blue", 4.0)], sound=sound)
    solid_colour_clip(folder / "night" / "green.mp4", [("green", 3.0)], codec="hevc")


def indexed_clips(folder: Path) -> Library:
    """A library of these clips."""
    library = Library(folder / "videos", folder / "index")
    make_clips(library.videos)
    library.update()
    return library


def empty_library(folder: Path) -> Library:
    """A library without videos."""
    library = Library(folder / "videos", folder / "index")
    library.videos.mkdir()
    return library


@pytest.fixture(scope="session")
def made_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library for all tests that only read it."""
    return indexed_clips(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def address(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server of the shared library."""
    with running(made_library, tmp_path_factory.mktemp("cache")) as address:
        yield address


@contextmanager
def running(
    library: Library,
    cache: Path,
    *,
    may_complain: bool = False,
    root_path: str = "",
    allowed: Sequence[str] = (),
    **limits: float,
) -> Iterator[str]:
    """The address of a running server; at the end Ctrl-C stops it, and its stderr must be empty, or may complain."""
    command = [sys.executable, "-m", "tests.web.served", str(library.index), str(cache)]
    command += [json.dumps(limits), root_path, *allowed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            yield server.stdout.readline().strip().rstrip("/")
        finally:
            server.send_signal(signal.SIGINT)
        complaints = server.stderr.read()
        assert server.wait() == 0
    assert may_complain or complaints == ""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An empty library for one test."""
    return empty_library(tmp_path)


@pytest.fixture(scope="session")
def client(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server of the shared library."""
    yield from serve(made_library, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def own_client(library: Library, tmp_path: Path) -> Iterator[TestClient]:
    """A client of a server of the test's own library."""
    yield from serve(library, tmp_path / "cache")


def serve(library: Library, cache: Path) -> Iterator[TestClient]:
    app = make_app(library.index, cache, lambda _: ColorEncoder())
    with TestClient(app, HOST, follow_redirects=False) as client:
        yield client


def fill(library: Library, videos: int) -> None:
    """Indexes this many videos: copies of one clip of three colours under different names."""
    clip = solid_colour_clip(library.videos / "0000.mp4", [("red", 3.0), ("green", 3.0), ("blue", 3.0)])
    library.update()
    with Catalog(library.index / CATALOG_FILE) as catalog:
        duration, width, height, codec = catalog.db.execute(
            "SELECT duration_seconds, width, height, codec FROM videos"
        ).fetchone()
        (video_id,) = catalog.db.execute("SELECT id FROM videos").fetchone()
        seconds, embeddings = catalog.frames(video_id)
        for number in range(1, videos):
            copy = clip.with_name(f"{number:04}.mp4")
            copy.hardlink_to(clip)
            status = copy.stat()
            catalog.store(
                EncodedVideo(
                    file=VideoFile(copy, status.st_size, status.st_mtime_ns),
                    fingerprint=f"copy {number}",
                    info=VideoInfo(duration, width, height, codec, "sequential"),
                    seconds=seconds,
                    embeddings=embeddings,
                )
            )


@pytest.fixture
def teacher(made_library: Library, tmp_path: Path) -> Iterator[TestClient]:
    """A client at the server's own machine; the shared library has concepts that are this test's own."""
    with teaching_client(made_library, tmp_path) as client:
        yield client


@contextmanager
def teaching_client(
    library: Library, folder: Path, viewer: str = "127.0.0.1", *, everyone_teaches: bool = False
) -> Iterator[TestClient]:
    """A client of a server whose concepts are kept in a folder, asking from an address."""
    index = folder / "index"
    if not index.exists():
        index.symlink_to(library.index, target_is_directory=True)
    app = make_app(index, folder / "cache", lambda _: ColorEncoder(), everyone_teaches=everyone_teaches)
    with TestClient(app, HOST, follow_redirects=False, client=(viewer, 5000)) as client:
        client.headers["X-Vifi"] = "page"
        yield client
