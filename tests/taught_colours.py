"""An index of clips of plain colors by a tiny CLIP, in which three colors are taught by marks."""

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import run_vifi
from tests.conftest import MakeOnce
from tests.made_videos import solid_colour_clip
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.session import SearchSession
from vifi_cli.index.concepts.concept import Mark

HARD = "odd"
"""A concept that neither color nor length tells: of each two neighboring clips of a color, one."""
COLORS = ("red", "green", "blue")
CLIPS = 4  # of each color


def make_taught_home(make_once: MakeOnce, tiny: Path) -> Path:
    """A data folder with the clips, their index and the marks; only read it, or copy it."""

    def teach(home: Path) -> None:
        (home / "clips").mkdir()
        for color in COLORS:
            for number in range(CLIPS):
                solid_colour_clip(
                    home / "clips" / f"{color}_{number}.mp4", [(color, 0.4), ("black", 0.1 * number)]
                )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VIFI_HOME", str(home))
            outcome = run_vifi("index", home / "clips", "--model", tiny, "--device", "cpu")
        assert outcome.exit_code == 0, outcome.stderr
        with SearchSession(home / "index", AUTOMATIC) as session:
            videos = session.index.catalog.videos()
            for color in (*COLORS, HARD):
                session.concepts.add(color, f"a {color} picture")
                for video in videos:
                    mark = Mark(
                        video.path,
                        0.0,
                        video.duration_seconds,
                        _shows(video.path, color),
                        video.fingerprint,
                    )
                    session.concepts.mark(color, mark)

    return make_once("taught_colours", teach)


def lend_taught_home(home: Path, vifi_home: Path) -> None:
    """Copies the index and the concepts to a data folder."""
    shutil.copytree(home / "index", vifi_home / "index")
    for file in home.glob("index-concepts.sqlite3*"):
        shutil.copy(file, vifi_home)


def _shows(path: Path, concept: str) -> bool:
    color, _, number = path.stem.partition("_")
    return (int(number) + COLORS.index(color)) % 2 == 1 if concept == HARD else color == concept
