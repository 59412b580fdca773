"""What an evaluation reports: a table of methods, the protocol behind it, and details of each test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.predicting import Predictions
from vifi_cli.evaluation.scores import Figure, TestScores, score

MISTAKES = 12


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One method's results.

    Attributes:
        method: how it is called.
        figures: one for each column; None where there is none.
        source: `measured` here, or `published` elsewhere.
        remark: what should be known about it, such as where a published row stands.
    """

    method: str
    figures: tuple[Figure | None, ...]
    source: Literal["measured", "published"] = "measured"
    remark: str = ""


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Methods side by side.

    Attributes:
        columns: what the figures are of.
        rows: one a method.
    """

    columns: tuple[str, ...]
    rows: tuple[ResultRow, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.figures) != len(self.columns):
                raise ValueError(f"{row.method}: {len(row.figures)} figures for {len(self.columns)} columns")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A video that a model took for another class.

    Attributes:
        path: of the video.
        truth: its class.
        guess: what the model said.
        probability: of the guess.
    """

    path: Path
    truth: str
    guess: str
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class TestDetail:
    """One test of one method, in full.

    Attributes:
        method: as in the table.
        part: which test, such as `split 1`, `novel classes, seed 2`; "" where there is one only.
        class_names: in the order of their labels.
        scores: of the test.
        mistakes: the most confident ones, the most confident first.
    """

    method: str
    part: str
    class_names: tuple[str, ...]
    scores: TestScores
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """An evaluation.

    Attributes:
        title: what was evaluated.
        facts: the protocol, name and value: frames, views, texts, lists, models, versions.
        stamps: what forbids taking the numbers at face value, such as known leaks.
        table: the results.
        details: of each test.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    stamps: tuple[str, ...]
    table: ResultTable
    details: tuple[TestDetail, ...]


def detail_of_test(
    method: str,
    part: str,
    class_names: Sequence[str],
    predictions: Predictions,
    videos: Sequence[LabeledVideo],
) -> TestDetail:
    """Score predictions and pick the mistakes; `videos` are those that the predictions number."""
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
    """The wrong predictions of highest probability, at most so many; of equal ones the first videos."""
    if not len(predictions.videos):
        return ()
    guesses, shares = predictions.probabilities.argmax(1), predictions.probabilities.max(1)
    read = [videos[video] for video in predictions.videos.tolist()]
    wrong = np.flatnonzero(guesses != np.array([video.label for video in read]))
    order = wrong[np.argsort(-shares[wrong], kind="stable")][:most]
    return tuple(
        Mistake(
            read[place].path,
            class_names[read[place].label],
            class_names[int(guesses[place])],
            float(shares[place]),
        )
        for place in order.tolist()
    )
