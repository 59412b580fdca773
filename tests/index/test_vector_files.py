"""The vector file is a cache: what goes wrong with it costs a search time and nothing else."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.index.conftest import encoded_video
from tests.other_user import needs_root
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.vectors import Vectors, open_vectors, vector_file

RED = (1.0, 0.0, 0.0)

DIE_WHILE_WRITING = """
import os, sys
from pathlib import Path
import faiss
from vifi_cli.index import vectors
from vifi_cli.index.catalog.catalog import Catalog
faiss.write_index = lambda index, writer: os.kill(os.getpid(), 9)
with Catalog(Path(sys.argv[1])) as catalog:
    vectors.open_vectors(catalog)
"""


def fill(catalog: Catalog, videos: int = 3) -> None:
    for number in range(videos):
        catalog.store(encoded_video(f"/v/{number}.mp4", [RED] * 20, str(number)))


def files_of(catalog: Catalog) -> list[str]:
    """Names of everything in the index folder but the catalog."""
    return sorted(
        path.name for path in catalog.path.parent.iterdir() if not path.name.startswith(catalog.path.name)
    )


def check_complete(vectors: Vectors, catalog: Catalog) -> None:
    ids, scores = vectors.search(np.array(RED, np.float32), len(vectors))
    assert sorted(ids) == catalog.window_ids().tolist()
    np.testing.assert_allclose(scores, 1, atol=1e-3)


@pytest.mark.parametrize(
    ("videos", "allowed_bytes"), [(1, 100), (600, 40_000)], ids=["the end", "the middle"]
)
def test_a_disk_without_room_leaves_nothing_and_stops_no_search(
    catalog: Catalog, videos: int, allowed_bytes: int
) -> None:
    """The process that searches may write files up to a size only, as with `ulimit -f`."""
    fill(catalog, videos)
    code = f"""
import resource, sys
from pathlib import Path
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.vectors import open_vectors
with Catalog(Path({str(catalog.path)!r})) as catalog:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({allowed_bytes}, -1))
    for _ in range(3):
        print(len(open_vectors(catalog)) == len(catalog.window_ids()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n" * 3, "")
    assert files_of(catalog) == []
    check_complete(open_vectors(catalog), catalog)
    assert files_of(catalog) == [vector_file(catalog, catalog.revision).name]


def test_what_a_killed_search_left_is_removed_by_the_next(catalog: Catalog) -> None:
    fill(catalog)
    killed = subprocess.run([sys.executable, "-c", DIE_WHILE_WRITING, str(catalog.path)])
    assert killed.returncode == -signal.SIGKILL
    (left,) = files_of(catalog)
    assert left.endswith(".part")
    check_complete(open_vectors(catalog), catalog)
    assert files_of(catalog) == [vector_file(catalog, catalog.revision).name]


@pytest.mark.parametrize("kept_bytes", [0, 10, 300])
def test_a_damaged_file_is_made_again(catalog: Catalog, kept_bytes: int) -> None:
    fill(catalog)
    open_vectors(catalog)
    path = vector_file(catalog, catalog.revision)
    content = path.read_bytes()
    os.truncate(path, kept_bytes)
    check_complete(open_vectors(catalog), catalog)
    assert path.read_bytes() == content


@needs_root
def test_a_file_that_cannot_be_read_now_is_kept(catalog: Catalog) -> None:
    """Reading a folder in place of the file fails as a failing disk does, with an OSError."""
    fill(catalog)
    open_vectors(catalog)
    path = vector_file(catalog, catalog.revision)
    kept = path.rename(path.with_suffix(".kept"))
    path.mkdir()
    check_complete(open_vectors(catalog), catalog)
    assert path.is_dir()
    path.rmdir()
    kept.rename(path)
    check_complete(open_vectors(catalog), catalog)
    assert files_of(catalog) == [path.name]


def test_too_many_open_files_cost_no_vector_file(catalog: Catalog) -> None:
    import resource

    fill(catalog)
    open_vectors(catalog)
    path = vector_file(catalog, catalog.revision)
    before = path.stat().st_ino
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limits[0]), limits[1]))
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        check_complete(open_vectors(catalog), catalog)
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert path.stat().st_ino == before
