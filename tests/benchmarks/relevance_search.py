"""What the benchmarks of relevance share: queries and what shows them, parts of an index, and the best answers."""

import csv
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.api.library.indexing import IndexRequest, run_indexing
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.relevance.calibration import Rater
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import VideoIndex

QUERIES = Path(__file__).with_name("queries")
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Query:
    """A text, and parts of the paths of the videos that show it; of what is nowhere to be seen there are none."""

    text: str
    shown_by: tuple[str, ...] = ()

    def is_shown_by(self, path: Path) -> bool:
        return any(part in str(path) for part in self.shown_by)


@dataclass(frozen=True, slots=True)
class Answer:
    """The best hit of a query.

    Attributes:
        present: a video of the index shows what was asked for.
        right: the best hit's video does.
        value: the best hit's relevance, or whatever it was rated by, else its cosine.
    """

    present: bool
    right: bool
    value: float


def queries_of(name: str) -> list[Query]:
    """The queries of a file that is kept here: see `read_queries`."""
    return read_queries(QUERIES / name)


def read_queries(path: Path) -> list[Query]:
    """The queries of a file: `.csv` with the columns query and videos, or `.txt` with one absent thing a line."""
    with path.open(newline="") as file:
        if path.suffix == ".txt":
            return [Query(line) for line in file.read().splitlines()]
        return [Query(row["query"], tuple(row["videos"].split())) for row in csv.DictReader(file)]


def index_clips(folder: Path, clips: Sequence[Path], model: str) -> None:
    """Makes an index of all clips below some folders."""
    run_indexing(folder, IndexRequest(paths=tuple(clips), model=model), ON_TERMINAL)


def videos_of(folder: Path) -> list[Path]:
    """The videos of an index."""
    with Catalog(folder / CATALOG_FILE) as catalog:
        return [video.path for video in catalog.videos()]


def part_of_index(folder: Path, part: Path, keep: Iterable[Path]) -> Path:
    """Makes an index of some videos of another."""
    shutil.copytree(folder, part)
    with Catalog(part / CATALOG_FILE) as catalog:
        catalog.forget(set(videos_of(folder)) - set(keep))
    return part


def answers(
    folder: Path,
    queries: Sequence[Query],
    embedding_of: Callable[[str], npt.NDArray[np.float32]],
    rate: Rater | None = None,
) -> list[Answer]:
    """Asks an index everything; ranked by cosine, or by what hits are rated by."""
    videos = videos_of(folder)
    found = []
    with VideoIndex(folder) as index:
        for query in queries:
            best = index.search(embedding_of(query.text), RankingOptions(top=1), rate=rate)[0]
            value = best.cosine if best.relevance is None else best.relevance
            present = any(query.is_shown_by(video) for video in videos)
            found.append(Answer(present, query.is_shown_by(best.path), value))
    return found
