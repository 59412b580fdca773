"""The whole life of a library: after any sequence of events, the index holds what a plain model says.

Each sequence comes from a seed. `VIFI_LIFE_SEQUENCES=500 pytest tests/index/update/test_life_of_a_library.py` tries
that many seeds, and `VIFI_LIFE_SEEDS=7,8` these; a failure prints what happened before. The superuser's disk is a real
mount, elsewhere it is renamed away.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.index.update.library import BAD, Entries, Library, make_contents
from tests.mounted import mounts_allowed
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.indexer import UpdateOptions, update_index
from vifi_cli.index.update.pruning import prune_index
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos

SEQUENCES = int(os.environ.get("VIFI_LIFE_SEQUENCES", "4"))
SEEDS = [int(seed) for seed in os.environ.get("VIFI_LIFE_SEEDS", "").split(",") if seed] or range(SEQUENCES)
ROUNDS = 7
MOST_EVENTS = 4  # between two runs
ROOT = Path(__file__).parents[3]

Known = dict[Path, bytes | str]
"""By path: the embeddings of a video, or the content of a file that cannot be read."""


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, str]:
    return make_contents(tmp_path_factory.mktemp("contents"))


@pytest.fixture(scope="module")
def embeddings(contents: dict[bytes, str], tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, str]:
    """The content by its embeddings."""
    folder = tmp_path_factory.mktemp("each")
    for content, name in contents.items():
        (folder / f"{name}.mp4").write_bytes(content)
    with new_catalog(folder / "index") as catalog:
        update_index(catalog, find_videos([folder]), [folder], ColorEncoder, UpdateOptions(workers=1))
        found = {catalog.frames(video.id)[1].tobytes(): video.path.stem for video in catalog.videos()}
    assert sorted(found.values()) == sorted(name for name in contents.values() if name not in BAD)
    return found


def new_catalog(folder: Path) -> Catalog:
    return Catalog.create(folder / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling()))


class Life:
    """A library, its index, and what has happened."""

    def __init__(self, folder: Path, library: Library, embeddings: dict[bytes, str], seed: int) -> None:
        self.library, self.embeddings = library, embeddings
        self.index = folder / "index"
        self.chance = random.Random(seed)
        self.log: list[str] = [f"seed {seed}"]
        new_catalog(self.index).close()

    def held(self) -> dict[Path, str]:
        """The content of each path in the index."""
        with Catalog(self.index / CATALOG_FILE) as catalog:
            assert not catalog.faults()
            assert len(open_vectors(catalog)) == len(catalog.window_ids())
            videos = {
                video.path: self.embeddings[catalog.frames(video.id)[1].tobytes()]
                for video in catalog.videos()
            }
            failures = {failed.file.path: "bad" for failed in catalog.failures()}
        assert not videos.keys() & failures.keys()
        return {**videos, **failures}

    def check(self, expected: Entries, unsure: set[Path]) -> None:
        """Compares the index with the model, which learns what it could not know."""
        held = self.held()
        wanted = {path: content_of(entry.content) for path, entry in expected.items()}
        surely = {path: content for path, content in wanted.items() if path not in unsure}
        difference = {*surely.items()} - {*held.items()}, {*held.items()} - {*wanted.items()}
        assert difference == (set(), set()), "\n".join([f"(lacks, has too much): {difference}", *self.log])
        self.library.entries = {path: expected[path] for path in held}

    def run(self, asked: list[Path]) -> None:
        """Indexes folders."""
        expected = self.library.expected(asked)
        self.log.append(f"index {[root.name for root in asked]}")
        with Catalog(self.index / CATALOG_FILE) as catalog:
            found = find_videos([root for root in asked if root.exists()])
            update_index(catalog, found, asked, ColorEncoder, UpdateOptions(workers=1))
        self.check(*expected)

    def run_while_the_disk_vanishes(self) -> None:
        """Indexes everything; the disk goes after it was searched, and comes back when the run is over."""
        library = self.library
        found = find_videos(library.present_roots())
        expected = library.expected(library.roots, unreadable=library.disk)
        self.log.append("index all while the disk vanishes")
        library.plug(self.chance)
        with Catalog(self.index / CATALOG_FILE) as catalog:
            report = update_index(catalog, found, library.roots, ColorEncoder, UpdateOptions(workers=1))
        just_failed = report.failed[: len(report.failed) - report.remembered]
        assert not any(failed.file.path.is_relative_to(library.disk) for failed in just_failed), self.log
        library.plug(self.chance)
        self.check(*expected)

    def run_and_kill(self) -> None:
        """Indexes everything in a process that is killed: what it holds then is old or new, and nothing else."""
        library = self.library
        before = {path: content_of(entry.content) for path, entry in library.entries.items()}
        expected, unsure = library.expected(library.roots)
        after = {path: content_of(entry.content) for path, entry in expected.items()}
        arguments = [str(self.index), *map(str, library.present_roots())]
        process = subprocess.Popen([sys.executable, "-m", "tests.index.index_run", *arguments], cwd=ROOT)
        started = time.perf_counter()
        try:
            process.wait(timeout=self.chance.uniform(0.3, 1.5))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.log.append(f"index all, killed after {time.perf_counter() - started:.2f} s")
        held = self.held()
        assert {*held.items()} <= {*before.items(), *after.items()}, self.log
        lost = {path for path, content in before.items() if after.get(path) == content and path not in held}
        assert all(path in unsure or before[path] in held.values() for path in lost), self.log
        library.entries = {
            path: next(
                entries[path]
                for entries in (expected, library.entries)
                if path in entries and content_of(entries[path].content) == content
            )
            for path, content in held.items()
        }

    def prune(self) -> None:
        """Removes what is gone for good."""
        self.log.append("prune")
        gone = self.library.prunable()
        prune_index(self.index, confirm=lambda _: True)
        self.check({path: entry for path, entry in self.library.entries.items() if path not in gone}, set())


def content_of(name: str) -> str:
    return "bad" if name in BAD else name


@pytest.fixture(params=SEEDS)
def life(
    request: pytest.FixtureRequest, tmp_path: Path, contents: dict[bytes, str], embeddings: dict[bytes, str]
) -> Iterator[Life]:
    is_mounted = os.geteuid() == 0 and request.param % 3 != 2
    with mounts_allowed() if is_mounted else nullcontext() as mounts:
        library = Library(tmp_path / "library", contents, mounts)
        yield Life(tmp_path, library, embeddings, request.param)


def test_the_index_holds_what_the_model_says(life: Life) -> None:
    library, chance = life.library, life.chance
    for _ in range(ROUNDS):
        for _ in range(chance.randint(1, MOST_EVENTS)):
            life.log.append(library.happen(chance))
        way = chance.random()
        if way < 0.15:
            life.run([chance.choice(library.present_roots())])
        elif way < 0.3:
            life.prune()
        elif way < 0.4 and library.is_plugged_in:
            life.run_while_the_disk_vanishes()
        elif way < 0.45:
            life.run_and_kill()
        else:
            life.run(library.roots)
    if not library.is_plugged_in:
        life.log.append(library.plug(chance))
    life.run(library.roots)
    everything = {path: content_of(entry.content) for path, entry in library.files().items()}
    assert everything.items() <= life.held().items()
