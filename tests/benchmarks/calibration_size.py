"""Whether relevance stays what it is while an index grows, and what its calibration costs:

    python -m tests.benchmarks.calibration_size [--windows 10000 100000 1000000]

Windows, queries and neutral texts are random directions, so that every query is about something absent, and its best
hit is as good as that of a rarity. Calibrated on all windows, the standardized margins of the best hits have the same
mean in every index. Calibrated on a sample, as vifi once did above 262,144 windows, they rise with the index.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np

from tests.benchmarks.measuring import show_machine, show_table
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.relevance.calibration import NeutralTexts, lines_of, measure_calibration
from vifi_cli.index.relevance.curve import (
    WORTH_SHOWING,
    description_level,
    relevance,
    same_meaning,
    standardize,
)
from vifi_cli.index.vectors import Vectors, empty_index

DIMENSION, QUERIES, DRAWS = 512, 300, 4
ADDED_AT_ONCE = 50_000


def directions(random: np.random.Generator, count: int) -> Float32Array:
    """Random embeddings of length 1."""
    drawn = random.standard_normal((count, DIMENSION), np.float32)
    unit: Float32Array = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def random_vectors(random: np.random.Generator, windows: int) -> Vectors:
    """An index of random windows."""
    index = empty_index(DIMENSION)
    for first in range(0, windows, ADDED_AT_ONCE):
        ids = np.arange(first, min(first + ADDED_AT_ONCE, windows))
        index.add_with_ids(directions(random, len(ids)), ids)
    return Vectors(index, "random")


class Sampled(Vectors):
    """The same windows, of which only some are seen by a calibration."""

    def __init__(self, vectors: Vectors, most: int) -> None:
        super().__init__(vectors._index, vectors.revision)
        self._most = most

    def in_parts(self) -> Iterator[Float32Array]:
        """Yields an even sample."""
        yield self.spread_sample(self._most)


def measure(windows: int, sample: int) -> Iterator[list[str]]:
    """Rows of one size of index, calibrated on all windows and on a sample."""
    random = np.random.default_rng(0)
    vectors, queries = random_vectors(random, windows), directions(random, QUERIES)
    found = [vectors.search(query, 1) for query in queries]
    nearest = vectors.embeddings(np.array([ids[0] for ids, _ in found]))
    best = np.array([cosines[0] for _, cosines in found])
    texts = [
        [directions(random, len(lines_of(kind))) for kind in ("descriptions", "rarities")]
        for _ in range(DRAWS)
    ]
    for name, seen in (("all", vectors), (f"{min(sample, windows):,}", Sampled(vectors, sample))):
        values, refused, seconds = [], [], []
        for descriptions, rarities in texts:
            neutral = NeutralTexts("random", descriptions, rarities)
            started = time.process_time()
            calibration = measure_calibration(seen, neutral)
            seconds.append(time.process_time() - started)
            margins = best - description_level(nearest, descriptions, same_meaning(queries, descriptions))
            values.append(standardize(margins, calibration).mean())
            refused.append(np.mean(relevance(margins, calibration) < WORTH_SHOWING))
        numbers = f"{np.mean(values):+.2f}", f"{np.mean(refused):.0%}", f"{np.median(seconds):.1f}"
        yield [f"{windows:,}", name, *numbers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--windows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--sample", type=int, default=262_144)
    arguments = parser.parse_args()
    show_machine()
    rows = [row for windows in arguments.windows for row in measure(windows, arguments.sample)]
    heads = (
        "windows",
        "calibrated on",
        "mean of absent queries, spreads",
        "refused",
        "calibration, s of processor time",
    )
    show_table(
        f"Best hits of {QUERIES} queries about nothing, {DIMENSION} dimensions, means of {DRAWS} sets of neutral texts",
        heads,
        rows,
    )


if __name__ == "__main__":
    main()
