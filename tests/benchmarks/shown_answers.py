"""How often a search shows a clip that is right, and refuses what is absent, as its users get it:

    python -m tests.benchmarks.shown_answers [--model MODEL] [--clips FOLDER --present FILE.csv --absent FILE.txt]

Needs the reference clips in ../shared/videos. Those of `search` are asked for their captions, short and everyday
descriptions; the others, on which the curve of relevance was fitted, for those of `relevance_fit`. With `--clips`, your
own are asked: `--present` has the columns query and videos (parts of the paths that show it, separated by spaces), and
`--absent` a query per line.

A query is answered if a right clip is among the first five hits: of the complete list, of the hits shown, of those with
the unsure ones that a terminal shows where nothing is relevant, and if three unsure hits always followed. It is refused
if nothing is relevant; unsure hits are then the answer, and the exit code is 1.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.measuring import SHARED_VIDEOS, show_machine, show_table
from tests.benchmarks.relevance_fit import other_clips
from tests.benchmarks.relevance_quality import captions
from tests.benchmarks.relevance_search import Query, index_clips, queries_of, read_queries
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.query_language import words
from vifi_cli.api.search.session import SearchSession
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.threshold import MOST_UNSURE, relevant_among, shown_among
from vifi_cli.index.search.video_index import SearchHit

FIRST = 5
HEADS = ("queries", "", "in the first five", "shown", "with unsure", "three always", "refused")


def answered(queries: Sequence[Query], lists: Sequence[Sequence[SearchHit]]) -> str:
    """Share of queries that have a right clip among their first hits."""
    right = [
        any(query.is_shown_by(hit.path) for hit in hits[:FIRST])
        for query, hits in zip(queries, lists, strict=True)
    ]
    return f"{np.mean(right):.0%}"


def row(name: str, queries: Sequence[Query], found: Sequence[Sequence[SearchHit]]) -> list[str]:
    """One list of queries in numbers."""
    relevant = [relevant_among(hits) for hits in found]
    refused = f"{np.mean([not hits for hits in relevant]):.0%}"
    if not any(query.shown_by for query in queries):
        return [name, str(len(queries)), "", "", "", "", refused]
    ways = (
        found,
        relevant,
        [shown_among(hits, with_unsure=True) for hits in found],
        [hits[: len(few) + MOST_UNSURE] for hits, few in zip(found, relevant, strict=True)],
    )
    return [name, str(len(queries)), *(answered(queries, way) for way in ways), refused]


def rows(folder: Path, cache: Path, lists: Mapping[str, Sequence[Query]]) -> Iterator[list[str]]:
    """Asks an index everything, with the options of a plain search."""
    with SearchSession(folder, AUTOMATIC, cache_folder=cache) as session:
        for name, queries in lists.items():
            found = [session.find(words(query.text), RankingOptions()) for query in queries]
            yield row(name, queries, found)


def material(
    home: Path, arguments: argparse.Namespace
) -> Iterator[tuple[str, list[Path], dict[str, list[Query]]]]:
    """Collections of clips, with the queries about each."""
    if arguments.clips:
        yield (
            "your clips",
            [arguments.clips],
            {
                "present": read_queries(arguments.present),
                "absent": read_queries(arguments.absent),
            },
        )
        return
    names = ("search_present.csv", "search_everyday.csv", "search_absent.txt", "search_everyday_absent.txt")
    lists = {"captions": captions()} | {name: queries_of(name) for name in (*names, "nonsense.txt")}
    yield "search", [SHARED_VIDEOS / "search"], lists
    others = ("other_present.csv", "other_absent.txt", "nonsense.txt")
    yield "others", other_clips(home / "clips"), {name: queries_of(name) for name in others}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="starter")
    for name in ("--clips", "--present", "--absent"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    if arguments.clips and not (arguments.present and arguments.absent):
        parser.error("--clips needs --present and --absent")
    show_machine()
    with tempfile.TemporaryDirectory() as home:
        for name, clips, lists in material(Path(home), arguments):
            index_clips(Path(home) / name, clips, arguments.model)
            show_table(name, HEADS, list(rows(Path(home) / name, Path(home) / "cache", lists)))


if __name__ == "__main__":
    main()
