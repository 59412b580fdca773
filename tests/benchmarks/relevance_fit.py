"""Fits the two numbers of the curve that makes relevance of margins, on clips and queries that no report uses:

    python -m tests.benchmarks.relevance_fit

Needs the reference clips in ../shared/videos: the actions but Weizmann's and the odd files, less those made from
other clips; and the clips of `vifi demo`. Queries: `queries/other_present.csv`, with parts of the paths of the
videos that show them, `queries/other_absent.txt` and `queries/nonsense.txt`.

Indexes of 1, 2, 4 ... and all of these videos are searched for everything. What of a query is not in an index counts
as absent. Each size of index weighs the same, and in it queries that are there as much as those that are not. Test
patterns and empty pictures are in the index of all videos only.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.benchmarks.measuring import SHARED_VIDEOS, show_machine, show_table
from tests.benchmarks.relevance_search import (
    Query,
    answers,
    index_clips,
    part_of_index,
    queries_of,
    videos_of,
)
from vifi_cli.api.library.demo import make_clips
from vifi_cli.index.relevance.calibration import NeutralTexts, calibration_of, margins, read_neutral_texts
from vifi_cli.index.relevance.curve import INTERCEPT, SLOPE, standardize
from vifi_cli.index.vectors import Vectors
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_text_encoder

INDEXES_OF_SIZE = {1: 48, 2: 32, 4: 20, 8: 16, 16: 12, 32: 6}
NONSENSE_SHARE = 0.2
CUT_OFFS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
Float64Array = npt.NDArray[np.float64]


def other_clips(folder: Path) -> list[Path]:
    """The clips to fit on; those of the demo are written into the folder."""
    make_clips(folder)
    odd = [path for path in sorted((SHARED_VIDEOS / "odd").iterdir()) if path.name != "made_here"]
    return [SHARED_VIDEOS / "actions" / name for name in ("ucf101_mini", "hmdb51_mini")] + [*odd, folder]


def standardized(
    folder: Path,
    neutral: NeutralTexts,
    vectors: Vectors,
    query: npt.NDArray[np.float32],
    cosines: npt.NDArray[np.float32],
) -> Float64Array:
    """Rates hits as `text_rater` does, but for the curve."""
    return standardize(margins(vectors, query, cosines, neutral), calibration_of(folder, vectors, neutral))


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """All queries, asked of many indexes; every array is (A,).

    Attributes:
        videos: how many the index has.
        kind: whether the query is about something `present`, `absent`, or `nonsense`.
        right: whether the best hit shows what was asked for.
        value: the best hit's standardised margin.
    """

    videos: npt.NDArray[np.int64]
    kind: npt.NDArray[np.str_]
    right: npt.NDArray[np.bool_]
    value: Float64Array

    def weights(self) -> Float64Array:
        """Sizes of index weigh alike, and in each what is there and what is not."""
        weights = np.zeros(len(self.value))
        shares = {"present": 0.5, "absent": 0.5 * (1 - NONSENSE_SHARE), "nonsense": 0.5 * NONSENSE_SHARE}
        for size in np.unique(self.videos):
            for kind, share in shares.items():
                chosen = (self.videos == size) & (self.kind == kind)
                weights[chosen] = share / chosen.sum()
        return weights / weights.sum()


def fit(values: Float64Array, right: Float64Array, weights: Float64Array) -> Float64Array:
    """Intercept and slope of the logistic curve of highest likelihood, by Newton's method."""
    inputs = np.stack([np.ones_like(values), values], axis=1)
    curve = np.zeros(2)
    for _ in range(50):
        probability = 1 / (1 + np.exp(-inputs @ curve))
        gradient = inputs.T @ (weights * (right - probability))
        curvature = (inputs * (weights * probability * (1 - probability))[:, None]).T @ inputs
        curve += np.linalg.solve(curvature, gradient)
    return curve


def ask(model: str, home: Path) -> Asked:
    """Makes the indexes and asks each of them everything."""
    lists = {name: queries_of(name) for name in ("other_present.csv", "other_absent.txt", "nonsense.txt")}
    queries = [query for each in lists.values() for query in each]
    index_clips(home / "all", other_clips(home / "clips"), model)
    encoder = load_text_encoder(resolve_model(model), "cpu")
    neutral = read_neutral_texts(home, encoder.text_fingerprint, lambda: encoder)
    texts = [query.text for query in queries]
    embedding_of = dict(zip(texts, encoder.encode_texts(texts), strict=True)).__getitem__
    rows: list[tuple[int, str, bool, float]] = []
    for folder in indexes(home, queries):
        found = answers(folder, queries, embedding_of, partial(standardized, folder, neutral))
        for query, answer in zip(queries, found, strict=True):
            kind = "present" if answer.present else "nonsense" if query in lists["nonsense.txt"] else "absent"
            rows.append((len(videos_of(folder)), kind, answer.right, answer.value))
    return Asked(*(np.array(column) for column in zip(*rows, strict=True)))


def indexes(home: Path, queries: Sequence[Query]) -> Iterator[Path]:
    """Indexes of a few of the videos that queries are about, drawn by chance, and the one of all videos."""
    random = np.random.default_rng(0)
    videos = [
        video for video in videos_of(home / "all") if any(query.is_shown_by(video) for query in queries)
    ]
    for size, count in INDEXES_OF_SIZE.items():
        for number in range(count):
            chosen = [videos[place] for place in random.permutation(len(videos))[:size]]
            yield part_of_index(home / "all", home / f"{size}-{number}", chosen)
    yield home / "all"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="starter")
    arguments = parser.parse_args()
    show_machine()
    with tempfile.TemporaryDirectory() as home:
        asked = ask(arguments.model, Path(home))
    intercept, slope = fit(asked.value, asked.right.astype(float), asked.weights())
    print(f"\nfitted: intercept {intercept:.2f}, slope {slope:.2f}; in use: {INTERCEPT}, {SLOPE}")
    probability = 1 / (1 + np.exp(-(INTERCEPT + SLOPE * asked.value)))
    heads = ("cut-off", "videos", "right kept", "wrong left out", "absent refused", "nonsense refused")
    show_table("By the curve in use", heads, list(rows_by_size(asked, probability)))
    heads = ("relevance", "share of the answers", "right")
    show_table("What relevance says", heads, list(reliability(asked, probability)))


def rows_by_size(asked: Asked, probability: Float64Array) -> Iterator[list[str]]:
    """For some cut-offs and each size of index, how often it decides rightly."""
    present = asked.kind == "present"
    groups = (present & asked.right, present & ~asked.right, asked.kind == "absent", asked.kind == "nonsense")
    for cut_off in CUT_OFFS:
        for size in np.unique(asked.videos):
            shown = [probability[group & (asked.videos == size)] >= cut_off for group in groups]
            shares = [
                f"{(kept if place == 0 else ~kept).mean():.0%}" if len(kept) else ""
                for place, kept in enumerate(shown)
            ]
            yield [f"{cut_off:.2f}", str(size), *shares]


def reliability(asked: Asked, probability: Float64Array) -> Iterator[list[str]]:
    """How often answers of like relevance are right."""
    weights = asked.weights()
    for lowest in np.arange(0, 1, 0.1):
        chosen = (probability >= lowest) & (probability < lowest + 0.1)
        if weights[chosen].sum():
            right = (weights * asked.right)[chosen].sum() / weights[chosen].sum()
            yield [f"{lowest:.1f} to {lowest + 0.1:.1f}", f"{weights[chosen].sum():.1%}", f"{right:.0%}"]


if __name__ == "__main__":
    main()
