"""Evaluation from Python: the numbers of the command, and a report for notebooks."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Vifi
from vifi_cli import evaluate
from vifi_cli.api.evaluation.methods.method import DEFAULT_METHODS, METHODS
from vifi_cli.api.evaluation.request import resolve
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.cli.evaluation import eval as command
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.table import TrainTime


@pytest.fixture
def report(tiny: Path, colours: Path, tmp_path: Path) -> Report:
    return evaluate(str(tiny), colours, "supervised", device="cpu", output=tmp_path / "report")


def test_the_numbers_are_those_of_the_command(
    vifi: Vifi, report: Report, tiny: Path, colours: Path, tmp_path: Path
) -> None:
    outcome = vifi(
        "eval", "-m", tiny, "--data", colours, "--setting", "supervised", "--device", "cpu", "--json",
        "-o", tmp_path / "by command",
    )  # fmt: skip
    shown = json.loads(outcome.stdout)
    assert report.folder is not None
    written = json.loads((report.folder / "report.json").read_text())
    assert shown["rows"] == written["rows"]
    assert shown["tests"] == written["tests"]


def test_rows_are_flat_for_pandas(report: Report, tiny: Path) -> None:
    (row,) = report.rows
    names = [
        f"{column}{part}"
        for column in ("top-1", "mean class", "macro F1", "ECE")
        for part in ("", " low", " high", " spread")
    ]
    assert list(row) == ["method", "source", "frames", "views", "protocol", *names]
    assert (row["frames"], row["views"], row["protocol"]) == (8, "1x1", "default")
    (measured,) = report.table.rows
    assert measured.estimates[0]
    assert (row["method"], row["top-1"]) == (str(tiny), measured.estimates[0].value)
    assert row["top-1 low"] == measured.estimates[0].low


def test_predictions_are_those_of_the_scores(report: Report, tiny: Path, colours: Path) -> None:
    assert report.folder is not None
    assert report.table.rows[0].estimates[0]
    rows = report.predictions
    assert np.mean([row["correct"] for row in rows]) == report.table.rows[0].estimates[0].value
    assert {(row["method"], row["data"], row["frames"]) for row in rows} == {(str(tiny), str(colours), 8)}
    with (report.folder / "predictions.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["path"] for row in written] == [str(video.path) for video in report.details[0].videos]
    assert [float(row["probability"]) for row in written] == [row["probability"] for row in rows]
    lines = (report.folder / "predictions.jsonl").read_text().splitlines()
    every = np.array([json.loads(line)["probabilities"] for line in lines], np.float32)
    assert np.array_equal(every, report.details[0].predictions.probabilities)


def test_a_report_shows_itself_in_a_few_lines_and_as_a_table(report: Report, tiny: Path) -> None:
    title, row = repr(report).splitlines()
    assert title == f"Report: {report.title}"
    assert report.title.startswith("Supervised accuracy on ")
    assert row.startswith(f"  {tiny}: top-1 ")
    assert len(repr(report.details[0])) < 500
    html = report._repr_html_()
    assert html.count("<tr") == 2
    assert str(tiny) in html
    assert "[" in html, "intervals"


def test_what_makes_no_sense_is_refused(tiny: Path, colours: Path) -> None:
    with pytest.raises(InvalidInput, match="'vivi' is not a method"):
        evaluate(str(tiny), colours, "supervised", methods=["vivi"])
    with pytest.raises(InvalidInput, match="--frames 0: a clip has 1 frame or more"):
        evaluate(str(tiny), colours, "supervised", frames=0)
    with pytest.raises(TypeError, match="'epochs' is not an option"):
        evaluate(str(tiny), colours, "supervised", epochs=3)  # type: ignore[call-arg]


def test_seeds_repeat_the_training_and_only_that(tiny: Path, colours: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--seeds goes with --train"):
        evaluate(str(tiny), colours, "supervised", seeds=3)
    with pytest.raises(InvalidInput, match="--seeds does not go with zero-shot"):
        evaluate(str(tiny), colours, "zero-shot", methods=["vifi"], seeds=3)
    with pytest.raises(InvalidInput, match="both set the seed"):
        evaluate(str(tiny), colours, "supervised", methods=["vifi"], seeds=[3], recipe=["prompt.seed=1"])
    quick = ["frames=1", "epochs=1", "effective_batch=4", "warmup_epochs=0"]
    report = evaluate(
        str(tiny),
        colours,
        "few-shot-1",
        methods=["vanilla", "vifi"],
        seeds="4,7",
        recipe=quick,
        output=tmp_path / "r",
    )
    vanilla, tuned = report.table.rows
    assert report.table.columns[:2] == ("1 shot", "mean class")
    assert dict(report.facts)["Seeds"] == "4, 7"
    parts = [test.part for test in report.details]
    assert parts == ["", "1 shot, seed 4", "1 shot, seed 7"], "a model without training is tested once"
    alone = [test.scores.top1.value for test in report.details[1:]]  # type: ignore[union-attr]
    assert tuned.estimates[0]
    assert tuned.estimates[0].value == pytest.approx(sum(alone) / 2)
    assert tuned.estimates[0].spread == pytest.approx(abs(alone[0] - alone[1]) / 2**0.5)
    assert vanilla.estimates[0]
    assert vanilla.estimates[0].spread is None
    runs = sorted(run.name for run in (tmp_path / "r" / "runs").iterdir())
    assert runs == ["vifi-K1-seed4", "vifi-K1-seed7"]
    times = json.loads((tmp_path / "r" / "runs-times.json").read_text())
    took = times["vifi-K1-seed4"]["seconds"] + times["vifi-K1-seed7"]["seconds"]
    assert tuned.trained == TrainTime(took, "1 x cpu")
    assert took > 0
    assert vanilla.trained == TrainTime(0, "")
    document = json.loads((tmp_path / "r" / "report.json").read_text())
    assert [(row["train_seconds"], row["train_device"]) for row in document["times"]] == [
        (0, ""),
        (took, "1 x cpu"),
    ]
    assert [row["test_seconds"] for row in document["times"]] == [
        report.details[0].seconds,
        pytest.approx(sum(test.seconds or 0 for test in report.details[1:])),
    ]
    trained = [(tmp_path / "r" / "runs" / run / "config.toml").read_text() for run in runs]
    assert ["seed = 4" in text for text in trained] == [True, False]


def test_views_are_those_of_the_settings_unless_they_are_given(
    tiny: Path, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def views(setting: str = "supervised", **options: Any) -> str:
        (subject,) = resolve([str(tiny)], colours, setting, options, AUTOMATIC)  # type: ignore[arg-type]
        return str(subject.views)

    assert views() == "1x1"
    monkeypatch.setenv("VIFI_VIEWS", "2x1 supervised=3x3")
    assert (views(), views("few-shot-1"), views("zero-shot")) == ("3x3", "2x1", "2x1")
    assert views(views="1x1") == "1x1"
    assert (views(protocol="paper"), views("zero-shot", protocol="paper")) == ("4x3", "1x1")
    monkeypatch.setenv("VIFI_VIEWS", "supervised=3x3")
    assert views("zero-shot") == "1x1"


def test_a_linear_probe_is_not_trained_where_other_classes_are_tested(tiny: Path, colours: Path) -> None:
    both: Any = {"methods": ["linear-probe", "tip-adapter"]}
    (subject,) = resolve([str(tiny)], colours, "zero-shot", both, AUTOMATIC)
    assert subject.methods == ("tip-adapter",)
    with pytest.raises(InvalidInput, match="linear-probe knows only the classes of its training"):
        evaluate(str(tiny), colours, "zero-shot", methods=["linear-probe"])


def test_the_help_of_the_command_names_the_methods() -> None:
    assert command.METHODS.split(", ") == list(METHODS)
    assert tuple(command.DEFAULT_METHODS.split()) == DEFAULT_METHODS
