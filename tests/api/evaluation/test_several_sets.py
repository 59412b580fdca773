"""Several sets of data in one evaluation: the numbers of separate ones, in one table."""

import csv
import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from vifi_cli import evaluate
from vifi_cli.api.evaluation.plan import TestPlan as Plan
from vifi_cli.api.evaluation.reporting.several import joined_report, places_of_runs
from vifi_cli.api.evaluation.request import Subject
from vifi_cli.api.feedback import Logged
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.table import ResultRow, ResultTable, TrainTime, headline
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.evaluation.testing.paper_settings import plan_trials
from vifi_cli.evaluation.testing.views import ScoreConditions
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.paths import slug
from vifi_cli.training.recipe.changes import make_recipe

QUICK = ("frames=1", "epochs=1", "effective_batch=4", "warmup_epochs=0")


class Heard(Logged):
    """What an evaluation waited for, such as the loading of a model."""

    def __init__(self) -> None:
        self.waits: list[str] = []

    def busy(self, text: str) -> AbstractContextManager[object]:
        self.waits.append(text)
        return super().busy(text)


@pytest.fixture
def others(colours: Path, tmp_path: Path) -> Path:
    """A table of the same clips with two of the three classes."""
    with (tmp_path / "others.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for path in sorted(colours.glob("*/*/*.mp4")):
            if path.parent.name != "blue":
                writer.writerow([path, path.parent.name, path.parents[1].name])
    return tmp_path / "others.csv"


def values(report: Report) -> list[list[float | None]]:
    return [[figure and figure.value for figure in row.estimates] for row in report.table.rows]


def test_each_set_has_the_numbers_of_its_own_evaluation(
    tiny: Path, colours: Path, others: Path, tmp_path: Path
) -> None:
    heard = Heard()
    both = evaluate(
        [tiny], [colours, others], "supervised", texts="bare", feedback=heard, output=tmp_path / "both"
    )
    alone = [
        evaluate(tiny, data, "supervised", texts="bare", output=tmp_path / data.stem)
        for data in (colours, others)
    ]
    assert heard.waits.count("Loading the model") == 1, "it stays loaded"
    assert both.table.columns == (colours.name, "others.csv", "mean")
    first, second = ([row[0] for row in values(report)] for report in alone)
    means = [((a or 0) + (b or 0)) / 2 for a, b in zip(first, second, strict=True)]
    assert values(both) == [
        [*row, mean] for row, mean in zip(zip(first, second, strict=True), means, strict=True)
    ]
    assert both.title == f"Supervised accuracy on {colours.name} and others.csv"
    document = json.loads((tmp_path / "both" / "report.json").read_text())
    told = [(test["method"], test["part"], test["data"]) for test in document["tests"]]
    parts = [(colours.name, str(colours)), ("others.csv", str(others))]
    assert told == [(name, *part) for name in (str(tiny), f"{tiny} + bare") for part in parts]
    scores = ("top1", "mean_class_accuracy", "classes", "confusion")
    separate = [
        json.loads((tmp_path / data.stem / "report.json").read_text())["tests"] for data in (colours, others)
    ]
    for place, test in enumerate(document["tests"]):
        expected = separate[place % 2][place // 2]
        assert {name: test[name] for name in scores} == {name: expected[name] for name in scores}
    facts = dict(both.facts)
    assert facts["Data (others.csv)"] == str(others)
    assert facts["Frames"] == "8 a clip", "once, as for both"


def test_a_set_that_is_missing_is_named_before_anything_runs(
    tiny: Path, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=r"nowhere\.csv"):
        evaluate(tiny, [colours, "nowhere.csv"], "supervised", methods=["vifi"], recipe=QUICK)
    assert not list(tmp_path.iterdir())


def test_methods_are_trained_on_each_set(tiny: Path, colours: Path, others: Path, tmp_path: Path) -> None:
    report = evaluate(
        tiny, [colours, others], "supervised", methods=["vifi"], recipe=QUICK, output=tmp_path / "r"
    )
    assert report.table.columns == (colours.name, "others.csv", "mean")
    runs = [path.relative_to(tmp_path / "r" / "runs") for path in (tmp_path / "r").rglob("config.toml")]
    expected = [f"{slug(str(data))}/vifi/config.toml" for data in (colours, others)]
    assert sorted(map(str, runs)) == sorted(expected)
    assert [test.data for test in report.details] == [str(colours), str(others)]
    (row,) = report.table.rows
    assert row.trained
    parts = (
        json.loads(path.read_text())["vifi"]["seconds"] for path in (tmp_path / "r").rglob("*-times.json")
    )
    assert row.trained.seconds == pytest.approx(sum(parts))


def plan_of(setting: str, data: DataSource, *, trains: bool = False) -> Plan:
    subject = Subject(
        Setting.parse(setting), data, (resolve_model("starter"),), "default", (), make_recipe("small"), 1
    )
    trials = plan_trials(subject.setting, data, trains=trains)
    return Plan(subject, trials, (), (), {}, {})


def report_of(columns: tuple[str, ...], *rows: ResultRow, notes: tuple[str, ...] = ()) -> Report:
    facts = (("Data", columns[0]), ("Device", "1 x cpu"))
    return Report("Base-to-novel accuracy on it", facts, (), ResultTable(columns, rows), notes=notes)


def test_base_novel_and_hm_of_each_set_are_columns() -> None:
    columns, plan = ("base", "novel", "HM"), plan_of("base2novel", DataSource("a.csv"))
    reports = [
        report_of(columns, ResultRow("m", tuple(Estimate(value) for value in figures)))
        for figures in ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    ]
    joined = joined_report(reports, [plan, plan_of("base2novel", DataSource("ucf101"))])
    assert joined.table.columns == (
        "a.csv base", "a.csv novel", "a.csv HM", "ucf101 base", "ucf101 novel", "ucf101 HM",
    )  # fmt: skip
    assert values(joined) == [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]
    best = headline(joined.table)
    assert best
    assert best.after.startswith(", a.csv HM 30.0")


def test_zero_shot_takes_the_mean_of_the_splits_of_each_set_and_shots_stay_apart() -> None:
    ucf101, own = DataSource("ucf101"), DataSource("clips")
    splits = tuple(map(Estimate, (0.1, 0.2, 0.6, 0.3)))
    reports = [
        report_of(("split 1", "split 2", "split 3", "mean"), ResultRow("m", splits)),
        report_of(("top-1", "mean class"), ResultRow("m", (Estimate(0.5), Estimate(0.9)))),
    ]
    joined = joined_report(reports, [plan_of("zero-shot", ucf101), plan_of("zero-shot", own)])
    assert joined.table.columns == ("ucf101", "clips", "mean")
    assert values(joined) == [[0.3, 0.5, pytest.approx(0.4)]]
    shots = ("2 shots", "4 shots", "8 shots", "16 shots")
    few = [report_of(shots, ResultRow("m", splits)) for _ in range(2)]
    plans = [plan_of("few-shot", data, trains=True) for data in (ucf101, own)]
    assert joined_report(few, plans).table.columns == tuple(
        f"{name} {column}" for name in ("ucf101", "clips") for column in shots
    )


def test_what_sets_do_not_share_is_named_after_them() -> None:
    """Leaks, conditions, notes, facts and rows of the paper; two files of one name are told apart by their folders."""
    eight, four = ScoreConditions(8), ScoreConditions(4)
    reports = [
        report_of(
            ("top-1",),
            ResultRow("m", (Estimate(0.5),), conditions=eight),
            ResultRow("ViFi-CLIP", (Estimate(0.7),), "published", "README"),
            notes=("same", "one"),
        ),
        report_of(("top-1",), ResultRow("m (leak)", (Estimate(0.7),), conditions=four), notes=("same",)),
    ]
    plans = [plan_of("supervised", DataSource(name)) for name in ("/a/t.csv", "/b/t.csv")]
    joined = joined_report(reports, plans)
    assert joined.table.columns == ("/a/t.csv", "/b/t.csv", "mean")
    measured, published = joined.table.rows
    assert (measured.method, measured.conditions) == ("m (leak)", None)
    assert values(joined) == [[0.5, 0.7, pytest.approx(0.6)], [0.7, None, None]]
    assert (published.source, published.remark) == ("published", "README")
    assert joined.notes == (
        "same",
        "/a/t.csv: one",
        "m (leak) is tested with 8 frames, 1x1 views on /a/t.csv; 4 frames, 1x1 views on /b/t.csv. "
        "--frames N tests all alike.",
    )
    assert ("Device", "1 x cpu") in joined.facts
    several = joined_report([report_of(("mAP",), ResultRow("m", (Estimate(0.5),))), reports[1]], plans)
    assert several.table.columns == ("/a/t.csv mAP", "/b/t.csv"), "no mean of different measures"


def test_one_training_for_all_sets_counts_once() -> None:
    row = ResultRow("m", (Estimate(0.5),), trained=TrainTime(60, "1 x cpu"))
    for setting, minutes in (("zero-shot", 60), ("supervised", 120)):
        plans = [plan_of(setting, DataSource(name), trains=True) for name in ("a.csv", "b.csv")]
        (joined,) = joined_report([report_of(("top-1",), row)] * 2, plans).table.rows
        assert joined.trained == TrainTime(minutes, "1 x cpu")


def test_runs_of_sets_have_folders_of_their_own_unless_they_share_them() -> None:
    def places(setting: str, *names: str) -> tuple[str, ...]:
        return places_of_runs([plan_of(setting, DataSource(name)).subject for name in names])

    assert places("supervised", "/a/clips.csv") == ("",)
    assert places("supervised", "/a/clips.csv", "ucf101") == ("clips", "ucf101")
    assert places("supervised", "/a/clips.csv", "/b/clips.csv") == ("clips-1", "clips-2")
    assert places("zero-shot", "hmdb51", "ucf101") == ("", ""), "both are tested after one training on k400"
