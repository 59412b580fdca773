"""An index run may be killed at any moment: what it had done stays, and the next run goes on from there."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.index.catalog_content import content
from tests.made_videos import solid_colour_clip
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog

ROOT = Path(__file__).parents[3]
KILLS = 6
COLORS = ["red", "lime", "blue", "yellow", "white", "black"]


def start(index: Path, videos: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.index.index_run", str(index), str(videos)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


def run(index: Path, videos: Path) -> float:
    started = time.perf_counter()
    process = start(index, videos)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    return time.perf_counter() - started


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for number in range(36):
        solid_colour_clip(folder / f"{number:02}.mp4", [(COLORS[number % 6], 1.0), (COLORS[number % 5], 1.0)])
    (folder / "bad.mp4").write_bytes(b"bad" * 1000)
    return folder


@pytest.mark.slow
def test_killed_runs_add_up_to_an_undisturbed_one(videos: Path, tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed" / "index", tmp_path / "killed" / "index"
    whole_run_seconds = run(undisturbed, videos)
    moments = random.Random(0)
    stored = 0
    for _ in range(KILLS):
        process = start(killed, videos)
        try:
            process.wait(timeout=moments.uniform(0.3, 1.0) * whole_run_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        if (killed / CATALOG_FILE).exists():
            with Catalog(killed / CATALOG_FILE) as catalog:
                now = len(catalog.videos())
            assert now >= stored, "nothing that was stored is lost"
            stored = now
    run(killed, videos)
    assert content(killed) == content(undisturbed)
    assert len(content(killed)) == 37
