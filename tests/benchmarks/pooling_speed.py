"""How long the embedding of one moment of a long video takes, from the catalog:

    python -m tests.benchmarks.pooling_speed [--hours 10]

A search with `--dedupe` needs one for each hit. It reads and adds only the frames of the moment. Before, it read the
complete video and added all frames up; this is measured beside it, and both must give the same numbers.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.benchmarks.measuring import show_machine, show_table
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import EncodedVideo, IndexedWith
from vifi_cli.index.windows import frames_within
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.pictures.frames import VideoInfo

DIMENSION, HITS, HIT_SECONDS = 512, 24, 8.0


def make_catalog(folder: Path, hours: float) -> Catalog:
    """One video of random frames, one a second."""
    frames = round(hours * 3600)
    random = np.random.default_rng(0)
    catalog = Catalog.create(folder / CATALOG_FILE, IndexedWith("random", "-", "-", DIMENSION, 1.0, 8))
    info = VideoInfo(float(frames), 640, 360, "h264", "sequential")
    embeddings = random.standard_normal((frames, DIMENSION), np.float32).astype(np.float16)
    seconds = np.arange(frames) + 0.5
    catalog.store(EncodedVideo(VideoFile(Path("/v/long.mp4"), 1, 1), "long", info, seconds, embeddings))
    return catalog


def from_all_frames(catalog: Catalog, start_seconds: float, end_seconds: float) -> Float32Array:
    """The embedding as vifi computed it before: from running sums over the complete video."""
    seconds, frames = catalog.frames(1)
    first, end = frames_within(seconds, start_seconds, end_seconds)
    running = np.zeros((len(frames) + 1, frames.shape[1]), np.float64)
    np.cumsum(frames, axis=0, dtype=np.float64, out=running[1:])
    mean = (running[end] - running[first]) / (end - first)
    unit: Float32Array = (mean / np.linalg.norm(mean)).astype(np.float32)
    return unit


def from_its_frames(catalog: Catalog, start_seconds: float, end_seconds: float) -> Float32Array:
    """The embedding as vifi computes it."""
    return catalog.embedding_of(1, start_seconds, end_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0)
    hours = parser.parse_args().hours
    show_machine()
    ways: dict[str, Callable[[Catalog, float, float], Float32Array]] = {
        "all frames added up": from_all_frames,
        "its own frames": from_its_frames,
    }
    starts = np.linspace(0.0, hours * 3600 - HIT_SECONDS, HITS)
    seconds, found = {}, {}
    with tempfile.TemporaryDirectory() as folder, make_catalog(Path(folder), hours) as catalog:
        for name, way in ways.items():
            started = time.process_time()
            found[name] = np.stack([way(catalog, start, start + HIT_SECONDS) for start in starts])
            seconds[name] = time.process_time() - started
    before, after = found.values()
    np.testing.assert_array_equal(before, after)
    slowest = max(seconds.values())
    rows = [[name, f"{spent:.3f}", f"{slowest / spent:.0f}"] for name, spent in seconds.items()]
    heads = ("embedding from", "s of processor time", "times as fast")
    show_table(f"{HITS} moments of {HIT_SECONDS:g} s in a video of {hours:g} h", heads, rows)


if __name__ == "__main__":
    main()
