"""What training shows in the end."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Vifi
from vifi_cli.api.training.run import epoch_in_words
from vifi_cli.cli.training.result import show_result
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.reports import EpochReport, RunResult, Scores
from vifi_cli.training.run.validation import scores_of


def test_only_a_model_with_test_videos_comes_with_the_command_that_tests_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    score, run = Scores("test", 0.5, 1.0, 4), Path("/runs/a")
    tested = RunResult(run, run / "best", str(run / "best"), 2, score, score, score)
    untested = RunResult(run, run / "best", str(run / "best"), 2, None, None, None)
    show_result(tested, as_json=False)
    assert "vifi eval --model /runs/a/best" in capsys.readouterr().out
    show_result(untested, as_json=False)
    shown = capsys.readouterr().out
    assert "vifi eval" not in shown
    assert "vifi index --rebuild --model /runs/a/best" in shown


def test_top_5_is_left_out_where_it_is_always_100_percent(capsys: pytest.CaptureFixture[str]) -> None:
    run = Path("/runs/a")
    for classes in (5, 6):
        shares = np.eye(classes, dtype=np.float32)[[0, 1, 2, 2]]
        videos = tuple(LabeledVideo(Path(f"/{place}"), place) for place in range(4))
        score = replace(scores_of(Predictions(np.arange(4), shares), videos, "val"), frames=8)
        result = RunResult(run, run / "best", str(run / "best"), 2, score, None, score)
        show_result(result, as_json=False)
        shown = capsys.readouterr().out
        assert ("top-5" in shown) is (classes == 6)
        assert "of 4 videos (val, 8 frames, 1x1 views)" in shown
        show_result(result, as_json=True)
        found = json.loads(capsys.readouterr().out)["val"]
        assert (found["top1"], found["frames"], found["views"]) == (0.75, 8, "1x1")
        assert (found["top5"] is None) is (classes == 5)
        told = epoch_in_words(EpochReport(1, 0.25, score, is_best=False))
        # the true class of the last video is as probable as three others, which counts as after them
        assert told == "epoch 1 · loss 0.250 · val top-1 75.0%" + (", top-5 75.0%" if classes == 6 else "")


def test_a_run_on_videos_of_several_classes_shows_its_map(capsys: pytest.CaptureFixture[str]) -> None:
    run = Path("/runs/a")
    score = Scores("val", None, None, 4, mean_average_precision=0.25, frames=16)
    show_result(RunResult(run, run / "best", str(run / "best"), 2, score, None, score), as_json=False)
    shown = capsys.readouterr().out
    assert "mAP 25.0% of 4 videos (val, 16 frames, 1x1 views)" in shown
    assert "top-" not in shown


def test_a_run_that_stopped_early_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    score, run = Scores("val", 0.5, None, 4), Path("/runs/a")
    result = RunResult(run, run / "best", str(run / "best"), 4, score, None, score, epochs_done=7)
    show_result(result, as_json=False)
    assert "Epoch\t4\n" in capsys.readouterr().out
    show_result(replace(result, stopped_early=True), as_json=False)
    assert "Epoch\t4 of 7, stopped early\n" in capsys.readouterr().out
    show_result(replace(result, stopped_early=True), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["epoch"], found["epochs_done"], found["stopped_early"]) == (4, 7, True)


def test_vifi_runs_shows_where_a_run_stopped_early(vifi: Vifi, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    recipe = make_recipe("small", changes=["patience=2", "tune_layers=3"])
    run.begin(RunConfig("starter", "/data", "", "supervised", "default", recipe))
    for epoch in range(4):
        score = Scores("val", 0.5 if epoch else 0.25, None, 4)
        run.add(EpochReport(epoch, 1.0, score, is_best=epoch == 1, stopped_early=epoch == 3))
    _, row = vifi("runs", run.path).stdout.splitlines()
    assert row.split("\t")[1] == "epoch 3 of 12, stopped early"
    assert "starter: last 3 blocks of both towers, 8 frames, 12 epochs" in row
    (found,) = json.loads(vifi("runs", run.path, "--json").stdout)
    assert (found["state"], found["stopped_early"], found["can_resume"]) == ("finished", True, False)
