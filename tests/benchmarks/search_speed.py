"""How fast a search is at 10,000, 100,000 and 1,000,000 windows, against numpy's brute force, in one run:

    python -m tests.benchmarks.search_speed

Catalogues of made videos of about an hour, with random walks for embeddings, are stored as `vifi index` stores
them; a million windows take some 3 GB of disk and of memory while the script runs. Compared are

- in one process: the search as `vifi search` does it (`VideoIndex.search`), FAISS alone, and numpy: the product
  of all windows as a float32 matrix with the query, and the ten highest;
- a fresh process `python -m vifi_cli search`: with a new query, which loads the text tower, and with one asked
  before, each with the index in the disk cache of the operating system and after dropping it from there.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from tests.benchmarks.measuring import compile_encoder, show_machine, show_table, start_vifi
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import EncodedVideo
from vifi_cli.index.relevance.calibration import calibration_of, read_neutral_texts
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.index.windows import window_embeddings, windows_of
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.pictures.frames import VideoInfo

QUERIES = ("a dog runs on a beach", "playing guitar", "a red car turns", "people dance", "a cat on a sofa")
TOP = 10
Unit = npt.NDArray[np.float32]


def made_video(number: int, seconds: int, dimension: int) -> EncodedVideo:
    """A video whose embeddings drift, as those of real scenes do."""
    random = np.random.default_rng(number)
    steps = random.standard_normal((seconds, dimension), np.float32) * 0.1
    steps[0] = random.standard_normal(dimension, np.float32)
    return EncodedVideo(
        file=VideoFile(Path(f"/videos/{number:05}.mp4"), 10**9 + number, number),
        fingerprint=f"made {number}",
        info=VideoInfo(float(seconds), 1920, 1080, "h264", "keyframes"),
        seconds=np.arange(seconds) + 0.5,
        embeddings=np.cumsum(steps, axis=0).astype(np.float16),
    )


def fill(catalog: Catalog, windows: int) -> int:
    """Stores videos of 20 to 100 minutes, and one to fit, until there are that many windows; gives their number."""
    random = np.random.default_rng(0)
    dimension = catalog.indexed_with.dimension
    left = windows
    for number in count():
        seconds = min(int(random.integers(1200, 6000)), int(left / 1.3125))
        video = made_video(number, max(seconds, 8), dimension)
        catalog.store(video)
        left -= len(windows_of(video.seconds, video.info.duration_seconds))
        if left < windows * 0.001:
            return number + 1
    raise AssertionError("unreachable")


def all_windows(catalog: Catalog) -> tuple[npt.NDArray[np.int64], Unit]:
    """Ids and embeddings of every window, as float32: what brute force searches."""
    total = len(catalog.window_ids())
    ids = np.empty(total, np.int64)
    matrix = np.empty((total, catalog.indexed_with.dimension), np.float32)
    done = 0
    for video_id, rows in catalog.windows_by_video():
        end = done + len(rows)
        ids[done:end] = rows[:, 0]
        matrix[done:end] = window_embeddings(catalog.frames(video_id)[1], rows[:, 1:])
        done = end
    return ids, matrix


def brute_force(matrix: Unit, query: Unit) -> npt.NDArray[np.int64]:
    """Rows of the highest products, best first."""
    scores = matrix @ query
    best = np.argpartition(-scores, TOP)[:TOP]
    return best[np.argsort(-scores[best])]


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_process(folder: Path, queries: list[Unit]) -> list[str]:
    """Median milliseconds of numpy, FAISS alone and the whole search, and whether the same windows come out."""
    with VideoIndex(folder) as index:
        ids, matrix = all_windows(index.catalog)
        vectors = index.vectors
        numpy_top = [ids[brute_force(matrix, query)] for query in queries]
        faiss_top = [vectors.search(query, TOP)[0] for query in queries]
        same = np.mean([len(np.intersect1d(a, b)) / TOP for a, b in zip(numpy_top, faiss_top, strict=True)])
        ways: tuple[Callable[[Unit], object], ...] = (
            lambda query: brute_force(matrix, query),
            lambda query: vectors.search(query, TOP),
            lambda query: index.search(query, RankingOptions(top=TOP)),
        )
        times = [[seconds_of(lambda: way(query)) for query in queries] for way in ways]  # noqa: B023
        by_numpy, by_faiss, whole = (median(each) * 1000 for each in times)
    return [
        f"{by_numpy:.1f}",
        f"{by_faiss:.1f}",
        f"{by_numpy / by_faiss:.1f}",
        f"{whole:.1f}",
        f"{same:.0%}",
    ]


def fresh_process(home: Path, remark: str) -> Iterator[str]:
    """Median seconds of `vifi search` as a program: new and known queries, warm and cold disk cache."""
    for drop_cache in (False, True):
        new, known = [], []
        for query in QUERIES[:3]:
            asked = f"{query} {remark}, {'cold' if drop_cache else 'warm'}"  # never asked before
            for times in (new, known):
                if drop_cache:
                    drop_from_disk_cache(home)
                times.append(seconds_of(lambda: search_by_program(home, asked)))  # noqa: B023
        yield f"{median(new):.2f}"
        yield f"{median(known):.2f}"


def search_by_program(home: Path, query: str) -> None:
    arguments = ("search", query, "--json", "--min-score", "0")  # what is asked for is nowhere to be seen
    process = start_vifi(home, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.communicate()
    if process.returncode:
        sys.exit(f"vifi search failed: {errors.decode()}")
    assert output


def drop_from_disk_cache(home: Path) -> None:
    """Makes the next reader fetch vifi's files, index and compiled encoder, from the disk."""
    for path in home.rglob("*"):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(windows: int, home: Path, encoder: ViFiEncoder) -> tuple[list[str], list[str]]:
    """One row on making and updating an index of this size, one on searching it."""
    folder = home / "index"
    with Catalog.create(folder / CATALOG_FILE, indexed_with(encoder, FrameSampling())) as catalog:
        started = time.perf_counter()
        videos = fill(catalog, windows)
        filled = time.perf_counter() - started
        total = len(catalog.window_ids())
        built = seconds_of(lambda: open_vectors(catalog))
        neutral = read_neutral_texts(home / "cache", encoder.text_fingerprint, lambda: encoder)
        calibrated = seconds_of(lambda: calibration_of(folder, open_vectors(catalog), neutral))
        size = sum(file.stat().st_size for file in folder.glob("*.faiss"))
        searched = in_process(folder, list(encoder.encode_texts(QUERIES)))
        programs = list(fresh_process(home, f"among {total} windows"))
        catalog.store(made_video(10**6, 3600, encoder.dimension))
        updated = seconds_of(lambda: open_vectors(catalog))
        reopened = seconds_of(lambda: open_vectors(catalog))
        catalog_size = catalog.path.stat().st_size
    making = [
        f"{total:,}",
        str(videos),
        f"{filled:.1f}",
        f"{built:.2f}",
        f"{calibrated:.2f}",
        f"{updated:.2f}",
    ]
    making += [f"{reopened * 1000:.1f}", f"{catalog_size / 1e6:,.0f}", f"{size / 1e6:,.0f}"]
    return making, [f"{total:,}", *searched, *programs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--windows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    show_machine()
    rows = []
    encoder = load_encoder(resolve_model("starter"), "cpu")
    with tempfile.TemporaryDirectory() as home:
        compile_encoder(Path(home))
        for windows in arguments.windows:
            rows.append(measure(windows, Path(home), encoder))
            shutil.rmtree(Path(home) / "index")
    heads = (
        "windows",
        "videos",
        "filling the catalogue, s",
        "vector file built, s",
        "relevance calibrated, s",
        "one video of 1 h added, s",
    )
    heads += ("opened, ms", "catalogue, MB", "vector file, MB")
    show_table("Making the index", heads, [making for making, _ in rows])
    heads = ("windows", "numpy, ms", "FAISS, ms", "x numpy", "whole search, ms", "same top 10")
    heads += ("program, new query, s", "known query, s", "new, off disk, s", "known, off disk, s")
    show_table("Searching, medians", heads, [searching for _, searching in rows])


if __name__ == "__main__":
    main()
