"""Runs that end before their last epoch: when, what they leave behind, and that they go on exactly."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.training.conftest import COLOURS, MakeRun, losses
from vifi_cli.api.training.run import epoch_in_words
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.training.fine_tuning import FineTuning
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunFolder
from vifi_cli.training.run.reports import EpochReport, RunResult
from vifi_cli.training.run.state import RunProgress
from vifi_cli.training.run.summary import summarize

# a rate that changes nothing, so that no epoch is better than the first
STILL = ("learning_rate=1e-12", "epochs=4")


@pytest.fixture
def apart(colour_folder: Path) -> LabeledVideos:
    """Two clips of each colour to learn from, one to choose an epoch by, and one for the test."""
    clips = [
        [LabeledVideo(path, label) for path in sorted((colour_folder / colour).iterdir())]
        for label, colour in enumerate(COLOURS)
    ]
    train = tuple(video for of_class in clips for video in of_class[2:])
    val, test = (tuple(of_class[number] for of_class in clips) for number in (0, 1))
    return LabeledVideos("colours", COLOURS, train, val, test)


def epochs_of(folder: Path) -> list[int]:
    return [report.epoch for report in RunFolder(folder).history()[1]]


def test_a_run_ends_once_its_patience_is_over(
    make_run: MakeRun, tmp_path: Path, apart: LabeledVideos
) -> None:
    folder = tmp_path / "run"
    *_, last, result = make_run(folder, *STILL, "patience=2", data=apart).reports()
    assert isinstance(result, RunResult)
    assert (result.epoch, result.epochs_done, result.stopped_early) == (1, 3, True)
    assert isinstance(last, EpochReport)
    assert last.stopped_early
    assert epoch_in_words(last).endswith(" · stopped early")
    assert epochs_of(folder) == [0, 1, 2, 3]
    summary = summarize(RunFolder(folder))
    assert (summary.state, summary.epochs_done, summary.stopped_early) == ("finished", 3, True)
    assert RunFolder(folder).is_finished(RunFolder(folder).read_config())
    assert RunFolder(folder).curves().epochs == 3
    # the schedule is that of all epochs
    *_, whole = make_run(tmp_path / "whole", *STILL, data=apart).reports()
    assert isinstance(whole, RunResult)
    assert (whole.epochs_done, whole.stopped_early) == (4, False)
    steps, of_whole = (RunFolder(path).history()[0] for path in (folder, tmp_path / "whole"))
    assert [step.learning_rate for step in steps] == [step.learning_rate for step in of_whole[: len(steps)]]
    assert '"stopped_early"' not in (tmp_path / "whole" / "metrics.jsonl").read_text()


def test_it_goes_on_to_the_same_end(make_run: MakeRun, tmp_path: Path, apart: LabeledVideos) -> None:
    changes = (*STILL, "patience=2")
    list(make_run(tmp_path / "whole", *changes, data=apart).reports())
    for stop_after in (3, 6):  # in the second epoch, and at the end of the last one
        halves, asked = tmp_path / f"halves-{stop_after}", itertools.count(1)
        stopped = make_run(
            halves, *changes, data=apart, should_stop=lambda asked=asked, stop=stop_after: next(asked) == stop
        )
        assert not isinstance(list(stopped.reports())[-1], RunResult)
        rest = list(make_run(halves, *changes, data=apart, begin=False).reports(is_resumed=True))
        assert isinstance(rest[-1], RunResult)
        assert (rest[-1].epochs_done, rest[-1].stopped_early) == (3, True)
        assert losses(tmp_path / "whole") == losses(halves)
        one, other = (load_file(run / "last" / "weights.safetensors") for run in (tmp_path / "whole", halves))
        assert all((one[name] == other[name]).all() for name in one)


def test_patience_counts_validations(make_run: MakeRun, tmp_path: Path, apart: LabeledVideos) -> None:
    """Of 12 epochs, 1, 4, 7, 10 and 12 are validated; the last one ends the run anyway."""
    changes = ("epochs=12", "validate_every=3", "patience=2")
    validation = make_run(tmp_path / "run", *changes, data=apart)._validation
    ends = {
        best: [epoch for epoch in range(1, 13) if validation.ends_early(RunProgress(best_epoch=best), epoch)]
        for best in (1, 4, 7)
    }
    assert ends == {1: [7, 8, 9, 10, 11], 4: [10, 11], 7: []}
    assert not validation.ends_early(RunProgress(best_epoch=0), 11), "there is no model to keep"


@pytest.mark.parametrize("with_val", [True, False])
def test_the_test_never_ends_a_run(
    make_run: MakeRun, tmp_path: Path, apart: LabeledVideos, with_val: bool
) -> None:
    data = replace(apart, val=apart.test if with_val else ())
    said: list[str] = []
    begun = make_run(tmp_path / "run", *STILL, "patience=1", data=data)
    run = FineTuning(
        begun._folder, begun._config, data, begun._processes, replace(begun._listener, say=said.append)
    )
    assert "patience is ignored: there are no validation videos to choose an epoch by" in said
    assert not any(run._validation.ends_early(RunProgress(best_epoch=1), epoch) for epoch in range(1, 7))
    chosen = make_run(tmp_path / "chosen", *STILL, "patience=1", "select_on_test=true", data=data)
    assert chosen._validation.ends_early(RunProgress(best_epoch=1), 2)


def test_metrics_of_earlier_runs_are_read(make_run: MakeRun, tmp_path: Path) -> None:
    list(make_run(tmp_path / "run", "epochs=1").reports())
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert not any({"gradient_norm", "stopped_early"} & line.keys() for line in lines)
    assert not summarize(RunFolder(tmp_path / "run")).stopped_early


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (["patience=-1"], "patience must not be below 0"),
        (["patience=3", "keep_last=true"], "patience looks for the best epoch, and keep_last takes the last"),
        (["clip_gradients=-0.1"], "clip_gradients and patience must not be below 0"),
        (["layer_decay=0"], "layer_decay must be above 0 and at most 1"),
        (["layer_decay=1.1"], "layer_decay must be above 0 and at most 1"),
        (["tune_layers=-2"], "tune_layers must be 0 or more, or -1 for all"),
        (["prompt-small", "tune_layers=1"], "tune_layers is for the towers' own weights, not for prompts"),
        (["lora-small", "tune_layers=1"], "tune_layers is for the towers' own weights, not for lora"),
        (["prompt-small", "layer_decay=0.5"], "layer_decay is for the towers' own weights"),
    ],
)
def test_recipes_that_make_no_sense(changes: list[str], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        make_recipe("small", changes=changes)
    assert "\n" not in str(caught.value)
