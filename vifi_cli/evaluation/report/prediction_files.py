"""The predictions and confusions of a report as files for pandas, R and spreadsheets."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from vifi_cli.evaluation.report.prediction_rows import COLUMNS
from vifi_cli.evaluation.report.report import TestDetail
from vifi_cli.evaluation.scoring.scores import ClassificationScores
from vifi_cli.paths import replacing

PREDICTIONS_CSV, PREDICTIONS_JSONL = "predictions.csv", "predictions.jsonl"


def write_predictions(folder: Path, tests: Sequence[TestDetail]) -> None:
    """Writes the predictions of all tests to `predictions.csv`, and with all probabilities to `predictions.jsonl`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        replacing(folder / PREDICTIONS_CSV) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for test in tests:
            writer.writerows(row | {"true": true_cell(row["true"])} for row in test.prediction_rows())
    with (
        replacing(folder / PREDICTIONS_JSONL) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for test in tests:
            file.writelines(_lines(test))


def true_cell(true: object) -> object:
    """The true class as a cell; several as a list in JSON."""
    return json.dumps(true, ensure_ascii=False) if isinstance(true, list) else true


def _lines(test: TestDetail) -> Iterator[str]:
    """A line per video: the columns of the table, and `probabilities` of all classes in the order of the test's."""
    rows = iter(test.predictions.probabilities)
    for row in test.prediction_rows():
        line = json.dumps(row, ensure_ascii=False)
        # json would write 17 digits, of which a float32 needs 8
        every = "null" if row["predicted"] is None else f"[{','.join(map(str, next(rows)))}]"
        yield f'{line[:-1]}, "probabilities": {every}}}\n'


def confusion_csv(scores: ClassificationScores, class_names: Sequence[str]) -> bytes:
    """A confusion matrix with a row per true class and a column per predicted one."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["true", *class_names])
    writer.writerows(
        [name, *counts] for name, counts in zip(class_names, scores.confusion.tolist(), strict=True)
    )
    return table.getvalue().encode()
