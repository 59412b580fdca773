"""Fixtures for the commands: a way to run `vifi`, a folder of clips, their index, a compiled starter encoder."""

import io
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import MakeOnce
from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.api.library.demo import photograph
from vifi_cli.cli.app import main
from vifi_cli.index.catalog.query_cache import CACHE_FILE
from vifi_cli.video.export.camera_moves import Scene, write_scenes


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


Vifi = Callable[..., Outcome]


@pytest.fixture
def vifi() -> Vifi:
    """Runs a `vifi` command line; see `run_vifi`."""
    return run_vifi


class Stream(io.TextIOWrapper):
    """Keeps what is written, in an encoding; perhaps as a terminal."""

    def __init__(self, encoding: str, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def run_vifi(*arguments: object, encoding: str = "utf-8", is_terminal: bool = False) -> Outcome:
    """Runs a `vifi` command line in this process, as a shell would, with its output in a pipe or on a terminal."""
    stdout, stderr = (Stream(encoding, is_terminal=is_terminal) for _ in range(2))
    exit_code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["vifi", *map(str, arguments)])
        patch.setattr("sys.stdout", stdout)
        patch.setattr("sys.stderr", stderr)
        try:
            main()
        except SystemExit as stop:
            exit_code = int(stop.code or 0)
    return Outcome(exit_code, _written(stdout), _written(stderr))


def _written(stream: io.TextIOWrapper) -> str:
    """Decodes output as Python decodes file names, so that it may hold any bytes."""
    stream.flush()
    return os.fsdecode(stream.buffer.getvalue())  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def clips(make_once: MakeOnce) -> Path:
    """Four short clips of real photographs, one of them with two scenes."""
    return make_once("clips", _write_clips)


def _write_clips(folder: Path) -> None:
    write_scenes(folder / "kitchen.mp4", [Scene(photograph("coffee"), 4.0)])
    write_scenes(folder / "pets.mp4", [Scene(photograph("coffee"), 4.0), Scene(photograph("chelsea"), 4.0)])
    write_scenes(folder / "launch.mp4", [Scene(photograph("rocket"), 4.0)])
    solid_colour_clip(folder / "nothing.mp4", [("gray", 2.0)])
    for path in folder.iterdir():  # one written just now would count as unfinished with --watch
        an_hour_ago = time.time() - 3600
        os.utime(path, (an_hour_ago, an_hour_ago))


@pytest.fixture
def starter(starter_home: Path, vifi_home: Path) -> None:
    """Lets the commands of a test use the starter encoder without compiling it again."""
    lend_starter(starter_home, vifi_home)


def lend_starter(starter_home: Path, vifi_home: Path) -> None:
    """Puts the compiled starter encoder into a data folder."""
    (vifi_home / "cache").mkdir()
    for file in (starter_home / "cache").iterdir():
        if file.name == CACHE_FILE:  # a test writes to it
            shutil.copy(file, vifi_home / "cache")
        else:
            (vifi_home / "cache" / file.name).symlink_to(file)


@pytest.fixture(scope="session")
def indexed_home(make_once: MakeOnce, starter_home: Path, clips: Path) -> Path:
    """A data folder with an index of the clips; only read it."""

    def index(home: Path) -> None:
        lend_starter(starter_home, home)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VIFI_HOME", str(home))
            outcome = run_vifi("index", clips, "--model", "starter")
        assert outcome.exit_code == 0, outcome.stderr

    return make_once("indexed_home", index)


@pytest.fixture
def indexed(starter: None, indexed_home: Path, vifi_home: Path, clips: Path) -> Path:
    """Gives the test an index of the clips to do with as it likes; returns the clips' folder."""
    shutil.copytree(indexed_home / "index", vifi_home / "index")
    return clips


@pytest.fixture(scope="session")
def colours(make_once: MakeOnce) -> Path:
    """A folder with a folder per class, split by its own folders."""
    return make_once("colours_in_splits", _write_colours)


def _write_colours(folder: Path) -> None:
    for split, numbers in (("train", range(3)), ("test", range(3, 4))):
        for colour in ("red", "green", "blue"):
            for number in numbers:
                path = folder / split / colour / f"{colour}_{number}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                solid_colour_clip(path, [(colour, 0.4), ("black", 0.1 * number)])


@pytest.fixture(scope="session")
def tiny(make_once: MakeOnce) -> Path:
    """A tiny CLIP with random weights."""
    return make_once("tiny_clip", make_tiny_clip)
