"""Predictions and confusions as files: exact, in order, and readable whatever names videos have."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.report.prediction_files import confusion_csv, write_predictions
from vifi_cli.evaluation.report.prediction_rows import COLUMNS
from vifi_cli.evaluation.report.report import Report, detail_of_test
from vifi_cli.evaluation.report.report import TestDetail as Detail
from vifi_cli.evaluation.report.table import ResultTable
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.scoring.scores import ClassificationScores
from vifi_cli.evaluation.testing.views import ONE_VIEW, ScoreConditions
from vifi_cli.video.moment import TimeRange

NAMES = ("run, fast", 'say "hi"', "=SUM(A1)", "走る", "e", "f")
VIDEOS = (
    LabeledVideo(Path('/v/a "b",\n.mp4'), 0, "ann"),
    LabeledVideo(Path("/v/gone.mp4"), 1),
    LabeledVideo(Path("/v/\udcff.mp4"), 2, part=TimeRange(1.5, 4.0)),
    LabeledVideo(Path("/v/走る.mp4"), 3),
)
SHARES = np.array(
    [[0.1, 0.5, 0.05, 0.15, 0.08, 0.12], [0.3, 0.05, 0.3, 0.2, 0.1, 0.05], [0, 0, 0, 1, 0, 0]], np.float32
)


@pytest.fixture
def test() -> Detail:
    predictions = Predictions(np.array([0, 2, 3]), SHARES, ((1, "no frames in \udcff"),))
    return detail_of_test("runs/\udcff/best", "split 1", NAMES, predictions, VIDEOS)


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(folder: Path) -> list[dict[str, object]]:
    text = (folder / "predictions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line, parse_constant=pytest.fail) for line in text.split("\n")[:-1]]


def test_the_table_by_hand(test: Detail, tmp_path: Path) -> None:
    write_predictions(tmp_path / "new", [test])
    first, gone, moment, _ = rows = table(tmp_path / "new")
    assert tuple(first) == COLUMNS
    assert [row["path"] for row in rows] == [
        '/v/a "b",\n.mp4', "/v/gone.mp4", "/v/\\xff.mp4", "/v/走る.mp4",
    ]  # fmt: skip
    assert {row["method"] for row in rows} == {"runs/\\xff/best"}
    assert (first["part"], first["group"], first["true"]) == ("split 1", "ann", "run, fast")
    assert (first["predicted"], first["probability"], first["correct"]) == ('say "hi"', "0.5", "False")
    assert first["true_probability"] == "0.1"
    guesses = [first[f"predicted_{place}"] for place in range(2, 6)]
    assert guesses == ["走る", "f", "run, fast", "e"]
    assert [first[f"probability_{place}"] for place in range(2, 6)] == ["0.15", "0.12", "0.1", "0.08"]
    assert (first["start"], first["end"], first["classes"], first["unreadable"]) == ("", "", "6", "")
    assert (gone["predicted"], gone["correct"], gone["unreadable"]) == ("", "", "no frames in \\xff")
    # of two equally probable classes the true one comes last, as in the scores
    assert (moment["start"], moment["end"], moment["true"]) == ("1.5", "4.0", "=SUM(A1)")
    assert (moment["predicted"], moment["predicted_2"], moment["correct"]) == (
        "run, fast",
        "=SUM(A1)",
        "False",
    )
    assert isinstance(test.scores, ClassificationScores)
    assert [row["correct"] == "True" for row in rows if row["correct"]] == test.scores.hits.tolist()


def test_lines_have_all_probabilities_exactly(test: Detail, tmp_path: Path) -> None:
    write_predictions(tmp_path, [test, test])
    rows = lines(tmp_path)
    assert len(rows) == 8
    assert list(rows[0]) == [*COLUMNS, "probabilities"]
    read = np.array([row["probabilities"] for row in rows[:4] if row["probabilities"]], np.float32)
    assert np.array_equal(read, SHARES)
    assert "0.12, 0.3" not in (tmp_path / "predictions.jsonl").read_text(encoding="utf-8")
    assert rows[1]["probabilities"] is None
    assert (rows[0]["correct"], rows[0]["start"], rows[2]["start"]) == (False, None, 1.5)
    report = Report("t", (), (), ResultTable((), ()), (test, test))
    assert report.predictions == [{k: v for k, v in row.items() if k != "probabilities"} for row in rows]


def test_videos_of_several_classes_have_lists(tmp_path: Path) -> None:
    videos = [LabeledVideo(Path("/a"), 0, more_labels=(3,)), LabeledVideo(Path("/b"), 2)]
    detail = detail_of_test("m", "", NAMES, Predictions(np.arange(2), SHARES[:2]), videos)
    write_predictions(tmp_path, [detail])
    assert [json.loads(row["true"]) for row in table(tmp_path)] == [["run, fast", "走る"], ["=SUM(A1)"]]
    assert [row["true"] for row in lines(tmp_path)] == [["run, fast", "走る"], ["=SUM(A1)"]]
    assert {row["correct"] for row in table(tmp_path)} == {""}


def test_conditions_are_columns(tmp_path: Path) -> None:
    detail = detail_of_test("m", "", NAMES[:2], Predictions(np.arange(1), SHARES[:1, :2]), VIDEOS[:1])
    assert detail.conditions is None
    (row,) = detail.prediction_rows()
    assert (row["frames"], row["predicted_3"], row["classes"]) == (None, None, 2)
    (row,) = replace(detail, conditions=ScoreConditions(16, ONE_VIEW, "default")).prediction_rows()
    assert (row["frames"], row["views"]) == (16, "1x1")


def test_confusions_as_a_table(test: Detail) -> None:
    assert isinstance(test.scores, ClassificationScores)
    header, *rows = csv.reader(confusion_csv(test.scores, NAMES).decode().splitlines())
    assert header == ["true", *NAMES]
    assert [row[0] for row in rows] == list(NAMES)
    assert [[int(cell) for cell in row[1:]] for row in rows] == test.scores.confusion.tolist()
    assert rows[0][1:] == ["0", "1", "0", "0", "0", "0"]
