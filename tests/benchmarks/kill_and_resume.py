"""Kills `vifi index` with SIGKILL at random moments, resumes it, and compares with an undisturbed run.

    python -m tests.benchmarks.kill_and_resume [--kills 20] [--seed 0] [FOLDER ...]

Without folders it takes videos/search and videos/odd. Every run is the real program with `starter`. A moment is
drawn evenly from the length of an undisturbed run; the next run goes on in the same index. A run that is done
before its moment comes is compared, and the next starts a new index. After each kill, nothing stored before may
be lost, and no process may be left.

All must be the same but for two things that differ between undisturbed runs, too. Embeddings may differ in their
last bits, where other frames shared a batch: the table tells by how much. And of a damaged file FFmpeg's threads
conceal the holes now in one way, now in another: the table names those whose embeddings differ so.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from tests.benchmarks.measuring import SHARED_VIDEOS, compile_encoder, show_machine, show_table, start_vifi
from tests.index.catalog_content import content
from vifi_cli.index.catalog.catalog import CATALOG_FILE, EMBEDDING_DTYPE, Catalog

SOME_FAILED = 3
WARNING, EMBEDDINGS = 8, 10  # their places in what `content` gives for a video
TOLERANCE = 1e-4  # of embeddings with a length below 1, in float16
ORPHAN_SECONDS = 5.0


def start(home: Path, videos: list[Path]) -> "subprocess.Popen[bytes]":
    arguments = ("index", *map(str, videos), "--model", "starter", "--json")
    return start_vifi(home, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(home: Path, videos: list[Path]) -> float:
    """An undisturbed run; gives its seconds."""
    started = time.perf_counter()
    process = start(home, videos)
    _, errors = process.communicate()
    _check(process.returncode, errors)
    return time.perf_counter() - started


def kill_after(seconds: float, home: Path, videos: list[Path]) -> bool:
    """Kills a run at a moment; False if it was done before."""
    process = start(home, videos)
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        _, alive = psutil.wait_procs(children, timeout=ORPHAN_SECONDS)
        if alive:
            sys.exit(f"processes were left: {alive}")
        return True
    _check(process.returncode, errors)
    return False


def _check(exit_code: int, errors: bytes) -> None:
    if exit_code not in (0, SOME_FAILED):
        sys.exit(f"vifi index failed with exit code {exit_code}: {errors.decode()}")


def stored(home: Path) -> int:
    """How many videos and failures the catalogue holds."""
    path = home / "index" / CATALOG_FILE
    if not path.exists():
        return 0
    with Catalog(path) as catalog:
        return len(catalog.videos()) + len(catalog.failures())


def verdict(home: Path, undisturbed: Path) -> str:
    """How well an index equals that of the undisturbed run; ends the program if it does not."""
    ours, theirs = content(home / "index"), content(undisturbed / "index")
    if ours.keys() != theirs.keys():
        sys.exit(f"the indexes hold other files: {ours.keys() ^ theirs.keys()!r}")
    largest, concealed = 0.0, []
    for path, mine in ours.items():
        other = theirs[path]
        if _without_embeddings(mine) != _without_embeddings(other):
            sys.exit(f"{path!r} differs: {_without_embeddings(mine)} and {_without_embeddings(other)}")
        distance = _distance(mine, other)
        if distance and mine[WARNING]:
            concealed.append(os.fsdecode(path).rpartition("/")[2])
        else:
            largest = max(largest, distance)
    if largest > TOLERANCE:
        sys.exit(f"embeddings differ by {largest:.1e}")
    same = f"same, embeddings within {largest:.1e}" if largest else "same to the last bit"
    return f"{same}; damaged file decoded otherwise: {', '.join(concealed)}" if concealed else same


def _without_embeddings(values: tuple[object, ...]) -> tuple[object, ...]:
    return (*values[:EMBEDDINGS], *values[EMBEDDINGS + 1 :])


def _distance(mine: tuple[object, ...], other: tuple[object, ...]) -> float:
    """The largest difference of an embedding's number; failures have none."""
    if len(mine) <= EMBEDDINGS or mine[EMBEDDINGS] == other[EMBEDDINGS]:
        return 0.0
    numbers = [np.frombuffer(values[EMBEDDINGS], EMBEDDING_DTYPE) for values in (mine, other)]  # type: ignore[call-overload]
    return float(np.abs(numbers[0].astype(np.float32) - numbers[1].astype(np.float32)).max())


def kill_often(kills: int, seed: int, videos: list[Path], folder: Path) -> list[list[str]]:
    """The rows of the table: each kill, and each comparison."""
    undisturbed, home = folder / "undisturbed", folder / "killed"
    for each in (undisturbed, home):
        compile_encoder(each)
    whole_seconds = run(undisturbed, videos)
    total = stored(undisturbed)
    rows = [["undisturbed", f"{whole_seconds:.1f}", f"{total} of {total}", ""]]
    moments, before, done = random.Random(seed), 0, 0
    while done < kills:
        moment = moments.uniform(0.0, whole_seconds)
        if kill_after(moment, home, videos):
            done += 1
            now = stored(home)
            if now < before:
                sys.exit(f"{before - now} videos were lost")
            before = now
            rows.append([f"killed, {done}", f"{moment:.1f}", f"{now} of {total}", ""])
        else:
            rows.append(["done before", "", f"{total} of {total}", verdict(home, undisturbed)])
            shutil.rmtree(home / "index")
            before = 0
    rows.append(
        ["resumed", f"{run(home, videos):.1f}", f"{stored(home)} of {total}", verdict(home, undisturbed)]
    )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("folders", type=Path, nargs="*", help="where the videos are")
    arguments = parser.parse_args()
    folders = arguments.folders or [SHARED_VIDEOS / "search", SHARED_VIDEOS / "odd"]
    if missing := [folder for folder in folders if not folder.is_dir()]:
        sys.exit(f"skipped: {missing[0]} is not here; name a folder of videos")
    show_machine()
    with tempfile.TemporaryDirectory() as folder:
        rows = kill_often(arguments.kills, arguments.seed, folders, Path(folder))
    show_table("Runs of vifi index", ("run", "after, s", "videos and failures stored", "compared"), rows)


if __name__ == "__main__":
    main()
