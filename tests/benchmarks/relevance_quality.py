"""How often a search answers rightly, with relevance and with the plain cosine:

    python -m tests.benchmarks.relevance_quality [--model MODEL]

Needs the reference clips in ../shared/videos/search, on which nothing was fitted. Asked are their captions, short
queries of `queries/search_present.csv`, and `queries/search_absent.txt`, about things that none of the clips shows.
A query about something that is there is answered rightly if a clip that shows it comes first and is not refused; one
about something that is not, if it is refused.

The plain cosine is cut where it does best on these very queries, which no user could know; relevance where it always
is, and at 0.5. The last table has indexes of a single clip each, cut as before: what is not in that clip is
absent.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.measuring import SHARED_VIDEOS, show_machine, show_table
from tests.benchmarks.relevance_search import (
    Answer,
    Query,
    answers,
    index_clips,
    part_of_index,
    queries_of,
    videos_of,
)
from vifi_cli.index.relevance.calibration import read_neutral_texts, text_rater
from vifi_cli.index.relevance.curve import WORTH_SHOWING
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_text_encoder

CLIPS = SHARED_VIDEOS / "search"
BINS = ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 1.01))


class Asking:
    """Asks indexes in a folder, by cosine or by relevance."""

    def __init__(self, home: Path, model: str, queries: Sequence[Query]) -> None:
        encoder = load_text_encoder(resolve_model(model), "cpu")
        texts = [query.text for query in queries]
        self._embeddings = dict(zip(texts, encoder.encode_texts(texts), strict=True))
        self._neutral = read_neutral_texts(home, encoder.text_fingerprint, lambda: encoder)
        self.ways = {"plain cosine": self.by_cosine, "relevance": self.by_relevance}

    def by_cosine(self, folder: Path, queries: Sequence[Query]) -> list[Answer]:
        return answers(folder, queries, self._embeddings.__getitem__)

    def by_relevance(self, folder: Path, queries: Sequence[Query]) -> list[Answer]:
        rate = text_rater(folder, self._neutral)
        return answers(folder, queries, self._embeddings.__getitem__, rate)


def captions() -> list[Query]:
    """The captions of the clips."""
    with (CLIPS / "captions.csv").open(newline="") as file:
        return [Query(row["caption"], (row["file"],)) for row in csv.DictReader(file)]


def best_cut_off(found: Sequence[Answer]) -> float:
    """The cut-off that answers most, where what is there and what is not weigh the same."""
    candidates = [answer.value for answer in found]
    return max(candidates, key=lambda cut_off: np.mean([*right_shares(found, cut_off)]))


def right_shares(found: Sequence[Answer], cut_off: float) -> tuple[float, float]:
    """Share of queries answered rightly, of those about what is there and of the others."""
    kept = [answer.right and answer.value >= cut_off for answer in found if answer.present]
    refused = [answer.value < cut_off for answer in found if not answer.present]
    return float(np.mean(kept)), float(np.mean(refused))


def row(name: str, lists: Sequence[Sequence[Answer]], cut_off: float) -> list[str]:
    """A method in numbers: for each list of queries that are there, found at all and right first; then the others."""
    *present, absent, nonsense = lists
    cells = []
    for found in present:
        cells.append(f"{np.mean([answer.value >= cut_off for answer in found]):.0%}")
        cells.append(f"{np.mean([answer.right and answer.value >= cut_off for answer in found]):.0%}")
    cells += [f"{np.mean([answer.value < cut_off for answer in found]):.0%}" for found in (absent, nonsense)]
    everything = [answer for found in (*present, absent) for answer in found]
    return [name, f"{cut_off:.2f}", *cells, f"{np.mean(right_shares(everything, cut_off)):.0%}"]


def reliability(found: Sequence[Answer]) -> Iterator[list[str]]:
    """How often answers of like relevance are right, where what is there and what is not weigh the same."""
    shares = {there: 0.5 / sum(answer.present is there for answer in found) for there in (True, False)}
    for low, high in BINS:
        inside = [answer for answer in found if low <= answer.value < high]
        weight = sum(shares[answer.present] for answer in inside)
        right = sum(shares[answer.present] for answer in inside if answer.right)
        yield [
            f"{low:.1f} to {min(high, 1.0):.1f}",
            str(len(inside)),
            f"{right / weight:.0%}" if inside else "",
        ]


def in_one_index(asking: Asking, folder: Path, lists: Sequence[Sequence[Query]]) -> list[tuple[str, float]]:
    """Shows how both ways do in the index of all clips; gives the cut-offs that were compared."""
    by_way = {name: [way(folder, queries) for queries in lists] for name, way in asking.ways.items()}
    asked_by = {name: [answer for found in each[:3] for answer in found] for name, each in by_way.items()}
    best = best_cut_off(asked_by["plain cosine"])
    cut_offs = [("plain cosine", best), ("relevance", WORTH_SHOWING), ("relevance", 0.5)]
    heads = ["", "cut-off", "captions: found", "right first", "short: found", "right first"]
    heads += ["absent refused", "nonsense refused", "answered rightly"]
    title = f"One index of 17 clips, {', '.join(str(len(queries)) for queries in lists)} queries"
    show_table(title, heads, [row(name, by_way[name], cut_off) for name, cut_off in cut_offs])
    heads = ["relevance", "best hits", "right"]
    show_table("What relevance says", heads, list(reliability(asked_by["relevance"])))
    return cut_offs


def in_single_clips(
    asking: Asking, folder: Path, queries: Sequence[Query], cut_offs: Sequence[tuple[str, float]]
) -> None:
    """Shows how both ways do in indexes of one clip each."""
    parts = [
        part_of_index(folder, folder.with_name(str(number)), [video])
        for number, video in enumerate(videos_of(folder))
    ]
    by_way = {
        name: [answer for part in parts for answer in way(part, queries)] for name, way in asking.ways.items()
    }
    rows = []
    for name, cut_off in cut_offs:
        kept, refused = right_shares(by_way[name], cut_off)
        rows.append(
            [name, f"{cut_off:.2f}", *(f"{share:.0%}" for share in (kept, refused, (kept + refused) / 2))]
        )
    heads = ["", "cut-off", "there: found", "absent refused", "answered rightly"]
    show_table(f"{len(parts)} indexes of one clip each", heads, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="starter")
    model = parser.parse_args().model
    show_machine()
    lists = [captions(), *map(queries_of, ("search_present.csv", "search_absent.txt", "nonsense.txt"))]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "all"
        index_clips(folder, [CLIPS], model)
        asking = Asking(Path(home), model, [query for queries in lists for query in queries])
        cut_offs = in_one_index(asking, folder, lists)
        in_single_clips(asking, folder, [query for queries in lists[:3] for query in queries], cut_offs)


if __name__ == "__main__":
    main()
