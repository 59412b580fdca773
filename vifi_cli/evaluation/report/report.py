"""Evaluation reports: a table of methods, the protocol behind it, and details of each test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo, shows_several_classes
from vifi_cli.evaluation.report.prediction_rows import PredictionRow, prediction_rows
from vifi_cli.evaluation.report.table import ResultRow, ResultTable, estimate_text, shown, table_html
from vifi_cli.evaluation.scoring.predictions import Predictions, predicted_classes
from vifi_cli.evaluation.scoring.scores import ClassificationScores, TestScores, named_scores, score_test
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
    `data` is that of the test, as `--data` names it, and `seconds` its wall time.
    `mistakes` are the wrong predictions of highest probability, in descending order. `predictions` has the
    probabilities of the readable `videos`.
    """

    method: str
    part: str
    class_names: tuple[str, ...] = field(repr=False)
    scores: TestScores
    mistakes: tuple[Mistake, ...] = field(repr=False)
    predictions: Predictions = field(repr=False)
    videos: tuple[LabeledVideo, ...] = field(repr=False)
    conditions: ScoreConditions | None = field(default=None, repr=False)
    data: str = field(default="", repr=False)
    seconds: float | None = field(default=None, repr=False)

    @property
    def has_confusion(self) -> bool:
        """Whether each video has one class, so that classes are confused with each other."""
        return isinstance(self.scores, ClassificationScores)

    @property
    def class_measure(self) -> str:
        """The score of each class."""
        return "top-1" if self.has_confusion else "average precision"

    @property
    def class_scores(self) -> tuple[float | None, ...]:
        """The score of each class; None without a video."""
        scores = self.scores
        return scores.class_accuracy if isinstance(scores, ClassificationScores) else scores.class_precision

    @property
    def class_videos(self) -> tuple[int, ...]:
        """How many videos each class has."""
        scores = self.scores
        if isinstance(scores, ClassificationScores):
            return tuple(scores.confusion.sum(1).tolist())
        return scores.class_videos

    @property
    def heading(self) -> str:
        """Which test of which method."""
        return f"{self.method}, {self.part}" if self.part else self.method

    def prediction_rows(self) -> Iterator[PredictionRow]:
        """A flat row per video: the most probable classes beside the true one."""
        test = {"method": self.method, "data": self.data, "part": self.part}
        return prediction_rows(test, self.class_names, self.predictions, self.videos, self.conditions)


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """How many of the videos of a class (`truth`) are predicted as another class (`guess`)."""

    truth: str
    guess: str
    count: int
    videos: int


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """An evaluation. Notebooks show its table; `pandas.DataFrame` takes its `rows` and its `predictions`.

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
        """A flat row per method: `method`, `source`, and of each column its value, `low`, `high` and `spread`.

        A row of tests also has `frames`, `views` and `protocol`.
        """
        return [_flat(self.table, row) for row in self.table.rows]

    @property
    def predictions(self) -> list[PredictionRow]:
        """A flat row per video of each test, as in `predictions.csv`; `details` have all probabilities."""
        return [row for test in self.details for row in test.prediction_rows()]

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
    if tested := row.conditions:
        flat |= {"frames": tested.frames, "views": str(tested.views), "protocol": tested.protocol}
    if row.trained:
        flat["train seconds"] = row.trained.seconds
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
        score_test(predictions, videos, len(class_names)),
        confident_mistakes(predictions, videos, class_names),
        predictions,
        tuple(videos),
    )


def confident_mistakes(
    predictions: Predictions, videos: Sequence[LabeledVideo], class_names: Sequence[str], most: int = MISTAKES
) -> tuple[Mistake, ...]:
    """The wrong predictions of highest probability; among equal ones the first videos.

    Videos that show several classes have no single prediction, and so no mistakes.
    """
    if not len(predictions.videos) or shows_several_classes(videos):
        return ()
    read = [videos[video] for video in predictions.videos.tolist()]
    labels = np.array([video.label for video in read])
    guesses, shares = predicted_classes(predictions.probabilities, labels), predictions.probabilities.max(1)
    wrong = np.flatnonzero(guesses != labels)
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
    """The pairs of classes that are confused most often, in descending order; none of videos with several classes."""
    if not isinstance(test.scores, ClassificationScores):
        return ()
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


def scores_in_words(scores: TestScores) -> str:
    """Such as `top-1 66.7 [30.5, 90.1], mean class 66.7 [30.5, 90.1]`."""
    return ", ".join(f"{name} {estimate_text(estimate)}" for name, estimate in named_scores(scores).items())


def units_of(scores: TestScores) -> str:
    """How many videos a test has, and what its intervals are drawn over."""
    videos = counted(scores.videos, "video")
    if scores.unreadable:
        videos += f" ({scores.unreadable:,} more could not be read)"
    return f"{videos}, intervals over {f'{scores.groups:,} groups' if scores.groups else 'videos'}"
