"""What an evaluation reports: a table of methods, the protocol behind it, and details of each test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.scores import Figure, TestScores, score
from vifi_cli.evaluation.testing.predicting import Predictions

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

    @property
    def heading(self) -> str:
        """Which test of which method."""
        return f"{self.method}, {self.part}" if self.part else self.method


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Two classes that a model confuses.

    Attributes:
        truth: the class that is shown.
        guess: the class it is taken for.
        count: how often.
        videos: of the class that is shown.
    """

    truth: str
    guess: str
    count: int
    videos: int


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


def most_confused(test: TestDetail, most: int = 10) -> tuple[ConfusedPair, ...]:
    """The pairs of classes that are confused most often, the most frequent first."""
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


def figure_text(figure: Figure) -> str:
    """A share in percent, such as `73.8 [70.1, 77.2]` or `51.3 ± 0.6`; a rank as it is."""
    scale = 100 if figure.unit == "share" else 1
    text = f"{scale * figure.value:.1f}"
    if figure.spread is not None:
        text += f" ± {scale * figure.spread:.1f}"
    if figure.low is not None and figure.high is not None:
        text += f" [{scale * figure.low:.1f}, {scale * figure.high:.1f}]"
    return text


def best_values(table: ResultTable) -> tuple[float | None, ...]:
    """The best measured value of each column, where two methods or more were measured; ranks are best when low."""
    measured = [row.figures for row in table.rows if row.source == "measured"]
    return tuple(_best([row[place] for row in measured]) for place in range(len(table.columns)))


def _best(figures: Sequence[Figure | None]) -> float | None:
    known = [figure for figure in figures if figure]
    if len(known) < 2:
        return None
    choose = min if known[0].unit == "rank" else max
    return choose(figure.value for figure in known)


def units_of(scores: TestScores) -> str:
    """How many videos a test had, and what its intervals were drawn over."""
    videos = f"{scores.videos:,} video{'s' * (scores.videos != 1)}"
    if scores.unreadable:
        videos += f" ({scores.unreadable:,} more could not be read)"
    return f"{videos}, intervals over {f'{scores.groups:,} groups' if scores.groups else 'videos'}"


def shown(text: str) -> str:
    """Text that can be written and shown: bytes that are no UTF-8 and invisible characters become a mark."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
