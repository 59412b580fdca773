"""Linear probe and Tip-Adapter in an evaluation: no figure where there is no answer, and runs that are kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import MakeOnce
from tests.made_videos import solid_colour_clip
from vifi_cli import evaluate
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.table import estimate_text

HEADS = ("linear-probe", "tip-adapter")


@pytest.fixture
def four_colours(make_once: MakeOnce) -> Path:
    return make_once("four_colours", _write)


def _write(folder: Path) -> None:
    for split, count in (("train", 3), ("test", 2)):
        for colour in ("red", "green", "blue", "white"):
            for number in range(count):
                path = folder / split / colour / f"{colour}_{number}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                solid_colour_clip(path, [(colour, 0.3), ("black", 0.1 * number)])


def trained(tiny: Path, data: Path, output: Path, setting: str, *methods: str) -> Report:
    return evaluate(str(tiny), data, setting, methods=methods, recipe=["frames=1"], seeds="1", output=output)


def test_new_classes_have_no_figure_by_a_linear_probe_and_their_texts_by_tip_adapter(
    tiny: Path, four_colours: Path, tmp_path: Path
) -> None:
    report = trained(tiny, four_colours, tmp_path / "r", "base2novel", "vanilla", *HEADS)
    vanilla, probe, tip = report.table.rows
    assert report.table.columns == ("base", "novel", "HM")
    assert [estimate_text(each) for each in probe.estimates[1:]] == ["–", "–"]
    assert probe.estimates[0]
    assert probe.estimates[0].value == 1.0
    assert vanilla.estimates[1]
    assert tip.estimates[1]
    assert tip.estimates[1].value == vanilla.estimates[1].value
    assert [detail.heading for detail in report.details if detail.method == probe.method] == [
        "linear probe, base, seed 1"
    ]
    assert (
        "linear probe has no figure for the novel classes: a linear probe knows only the classes that it was trained "
        "on."
    ) in report.notes
    assert report.rows[1]["novel"] is None
    assert (tmp_path / "r" / "report.html").is_file()
    heads = sorted((tmp_path / "r" / "runs").glob("*/best/head.safetensors"))
    assert len(heads) == 2
    before = [head.stat().st_mtime_ns for head in heads]
    again = trained(tiny, four_colours, tmp_path / "r", "base2novel", "vanilla", *HEADS)
    assert [head.stat().st_mtime_ns for head in heads] == before, "finished runs are kept"
    # all but the time of the tests, which are done again
    assert [replace(row, test_seconds=None) for row in again.table.rows] == [
        replace(row, test_seconds=None) for row in report.table.rows
    ]


def test_a_head_is_tested_on_videos_that_it_has_not_seen(
    tiny: Path, four_colours: Path, tmp_path: Path
) -> None:
    trained(tiny, four_colours, tmp_path / "r", "supervised", "linear-probe")
    best = next((tmp_path / "r" / "runs").glob("linear-probe*/best"))
    report = evaluate(best, four_colours, "supervised", output=tmp_path / "tested")
    assert [row.method for row in report.table.rows] == [str(tiny), str(best)]
    assert report.rows[1]["top-1"] == 1.0
    with pytest.raises(InvalidInput, match="give tests away"):
        evaluate(best, four_colours / "train", "zero-shot", output=tmp_path / "leak")


def test_what_cannot_be_averaged_says_so(tiny: Path, four_colours: Path) -> None:
    with pytest.raises(InvalidInput, match=r"'linear-probe@0\.5' cannot be averaged: it trains no weights"):
        evaluate(str(tiny), four_colours, "supervised", methods=["linear-probe@0.5"])
