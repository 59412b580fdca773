"""Retrieval: how well captions find their videos."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.data.formats.text_file import read_csv
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.confidence_intervals import (
    DRAWS,
    Estimate,
    Floats,
    estimated_share,
    interval_of,
    variance_interval,
)
from vifi_cli.wording import counted

COLUMNS = ("file", "caption")
CUTS = (1, 5, 10)
MEASURES = (*(f"R@{cut}" for cut in CUTS), "mAP", "median rank")


@dataclass(frozen=True, slots=True)
class Query:
    """A caption, and the files of the videos that it describes, one or more."""

    caption: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RetrievalScores:
    """How well queries find their videos.

    `recall` is the share of queries with a relevant video among the first 1, 5 and 10, `ranks` the rank of the first
    relevant video of each query, int64 (Q,), 1 being the best, and `median_rank` their median.
    """

    recall: tuple[Estimate, ...]
    mean_average_precision: Estimate
    median_rank: Estimate
    ranks: npt.NDArray[np.int64]

    @property
    def row(self) -> tuple[Estimate, ...]:
        """In the order of `MEASURES`."""
        return (*self.recall, self.mean_average_precision, self.median_rank)


def read_queries(path: Path) -> tuple[Query, ...]:
    """Reads a CSV file with the columns `file` and `caption`; the queries keep the order of their rows.

    Rows with the same caption are one query with several relevant videos; a video may have several captions.

    Raises:
        InvalidInput: a column or all rows are missing, or a cell is empty; the message names the line.
    """
    files: dict[str, dict[str, None]] = {}
    for row in read_csv(path, COLUMNS):
        files.setdefault(row.cells["caption"], {})[row.cells["file"]] = None
    if not files:
        raise InvalidInput(f"{path} has no query: write one line per caption below `file,caption`")
    return tuple(Query(caption, tuple(of_it)) for caption, of_it in files.items())


def read_split_remarks(path: Path) -> tuple[str, ...]:
    """What to know about the column `split` of a query file; see `remark_on_splits`."""
    rows = read_csv(path, COLUMNS)
    return tuple(remark_on_splits([(row.cells["file"], row.cells.get("split", "")) for row in rows]))


def remark_on_splits(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """That all splits are tested, and that some share videos, from the file and the split of each row.

    Val and test of MSR-VTT 1k-A are the same 1,000 videos: a model chosen on one has seen the other.
    """
    splits = list(dict.fromkeys(split for _, split in rows if split))
    if len(splits) < 2:
        return
    yield f"The rows of all splits are tested: {', '.join(splits)}. Keep the rows of one to test it alone."
    of_file: dict[str, dict[str, None]] = {}
    for file, split in rows:
        of_file.setdefault(file, {})[split] = None
    shared = [file for file, its_splits in of_file.items() if len(its_splits) > 1]
    if shared:
        yield (
            f"{counted(len(shared), 'video')} in several splits, such as {shared[0]} in "
            f"{' and '.join(of_file[shared[0]])}: what is chosen on one split has seen the other."
        )


def score_retrieval(scores: npt.NDArray[np.float32], relevant: npt.NDArray[np.bool_]) -> RetrievalScores:
    """Scores the ranks of the relevant videos, bool (Q, V), by the scores of all videos, (Q, V), the higher the better.

    A video with the same score as a relevant one counts as ranked before it, so a model that gives all videos the same
    score gains nothing. Intervals are over queries.
    """
    places = [relevant_places(*row) for row in zip(scores, relevant, strict=True)]
    first = np.array([place[0] for place in places], np.int64)
    precision = np.array(list(map(average_precision, places)))
    return RetrievalScores(
        tuple(estimated_share(first <= cut) for cut in CUTS),
        _mean_precision(precision),
        replace(_estimate(first.astype(np.float64), np.median), unit="rank"),
        first,
    )


def average_precision(places: npt.NDArray[np.int64]) -> float:
    """The share of relevant ones among those ranked as high or higher, averaged over the relevant ones.

    `places` are the ranks of the relevant ones, from 1, ascending. Without any, it is NaN.
    """
    return float(np.mean(np.arange(1, len(places) + 1) / places)) if len(places) else float("nan")


def relevant_places(
    scores: npt.NDArray[np.float32], relevant: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """The ranks, from 1, of a query's relevant videos, bool (V,), by the scores of all videos, (V,)."""
    ordered = np.lexsort((relevant, -scores))  # among equal scores, the others come first
    places: npt.NDArray[np.int64] = np.flatnonzero(relevant[ordered]) + 1
    return places


def _mean_precision(precision: Floats) -> Estimate:
    """The mean over queries, whose interval has a width even if all queries are alike."""
    value, queries = float(precision.mean()), len(precision)
    variance = float(precision.var()) / queries
    return Estimate(value, *variance_interval(value, variance, 0, queries))


def _estimate(values: Floats, statistic: Callable[[Floats], np.floating]) -> Estimate:
    generator = np.random.default_rng(0)
    draws = np.array(
        [statistic(values[generator.integers(len(values), size=len(values))]) for _ in range(DRAWS)]
    )
    return Estimate(float(statistic(values)), *interval_of(draws))
