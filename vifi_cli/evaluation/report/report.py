"""Evaluation reports: a table of methods, the protocol behind it, and details of each test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.report.table import ResultRow, ResultTable, estimate_text, shown, table_html
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.scoring.scores import ClassificationScores, score
from vifi_cli.evaluation.testing.views import ScoreConditions
from vifi_cli.wording import counted

MISTAKES = 12


@dataclass(frozen=True, slots=True)
class Mistake:
    """A video with its true class, a wrong prediction, and the probability of that prediction."""

    video: LabeledVideo
    truth: str
    guess: str
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class TestDetail:
    """One test of one method, in full.

    `part` distinguishes the tests of a method, such as `split 1` or `novel, seed 2`; it is empty if there is only one.
    `mistakes` are the wrong predictions of highest probability, in descending order.
    """

    method: str
    part: str
    class_names: tuple[str, ...] = field(repr=False)
    scores: ClassificationScores
    mistakes: tuple[Mistake, ...] = field(repr=False)
    conditions: ScoreConditions | None = None

    @property
    def heading(self) -> str:
        """Which test of which method."""
        return f"{self.method}, {self.part}" if self.part else self.method


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """How many of the videos of a class (`truth`) are predicted as another class (`guess`)."""

    truth: str
    guess: str
    count: int
    videos: int


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """An evaluation. Notebooks show its table; `pandas.DataFrame(report.rows)` takes its rows.

    `facts` are the protocol, names and values: frames, views, texts, lists, models, versions. `stamps` are reasons not
    to trust the numbers, such as known leaks, and `notes` what limits them. `folder` is where the report is written, if
    it is.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    stamps: tuple[str, ...]
    table: ResultTable
    details: tuple[TestDetail, ...] = ()
    folder: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict[str, object]]:
        """A flat row per method: `method`, `source`, and of each column its value, `low`, `high` and `spread`."""
        return [_flat(self.table, row) for row in self.table.rows]

    def __repr__(self) -> str:
        lines = [f"Report: {shown(self.title)}", *map(shown, self.stamps)]
        for row in self.table.rows:
            named = zip(self.table.columns, map(estimate_text, row.estimates), strict=True)
            lines.append(f"  {shown(row.method)}: {', '.join(map(' '.join, named))}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return table_html(self.table, shown(self.title), self.stamps)


def _flat(table: ResultTable, row: ResultRow) -> dict[str, object]:
    flat: dict[str, object] = {"method": row.method, "source": row.source}
    for column, estimate in zip(table.columns, row.estimates, strict=True):
        flat[column] = estimate and estimate.value
        for name in ("low", "high", "spread"):
            flat[f"{column} {name}"] = estimate and getattr(estimate, name)
    return flat


def detail_of_test(
    method: str,
    part: str,
    class_names: Sequence[str],
    predictions: Predictions,
    videos: Sequence[LabeledVideo],
) -> TestDetail:
    """Scores the predictions and picks the mistakes."""
    return TestDetail(
        method,
        part,
        tuple(class_names),
        score(predictions, videos, len(class_names)),
        confident_mistakes(predictions, videos, class_names),
    )


def confident_mistakes(
    predictions: Predictions, videos: Sequence[LabeledVideo], class_names: Sequence[str], most: int = MISTAKES
) -> tuple[Mistake, ...]:
    """The wrong predictions of highest probability; among equal ones the first videos."""
    if not len(predictions.videos):
        return ()
    guesses, shares = predictions.probabilities.argmax(1), predictions.probabilities.max(1)
    read = [videos[video] for video in predictions.videos.tolist()]
    wrong = np.flatnonzero(guesses != np.array([video.label for video in read]))
    order = wrong[np.argsort(-shares[wrong], kind="stable")][:most]
    return tuple(
        Mistake(
            read[place],
            class_names[read[place].label],
            class_names[int(guesses[place])],
            float(shares[place]),
        )
        for place in order.tolist()
    )


def most_confused(test: TestDetail, most: int = 10) -> tuple[ConfusedPair, ...]:
    """The pairs of classes that are confused most often, in descending order."""
    confusion = test.scores.confusion.copy()
    np.fill_diagonal(confusion, 0)
    totals, names = test.scores.confusion.sum(1), test.class_names
    order = np.argsort(-confusion, axis=None, kind="stable")[:most]
    pairs = [divmod(place, len(names)) for place in order.tolist()]
    return tuple(
        ConfusedPair(names[truth], names[guess], int(confusion[truth, guess]), int(totals[truth]))
        for truth, guess in pairs
        if confusion[truth, guess]
    )


def units_of(scores: ClassificationScores) -> str:
    """How many videos a test has, and what its intervals are drawn over."""
    videos = counted(scores.videos, "video")
    if scores.unreadable:
        videos += f" ({scores.unreadable:,} more could not be read)"
    return f"{videos}, intervals over {f'{scores.groups:,} groups' if scores.groups else 'videos'}"
