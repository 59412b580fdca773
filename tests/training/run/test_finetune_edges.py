"""Runs under odd conditions: interrupted, in several processes, with hostile values, on full disks."""

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.cli.conftest import run_vifi
from tests.training.conftest import MakeRun
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.training.finetune import finetune
from vifi_cli.api.training.prepare import Resumption, prepare_run, resumed_run
from vifi_cli.api.training.request import TrainingRequest, training_request
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.errors import InvalidInput, TrainingDiverged, UnreadableVideo
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunFolder
from vifi_cli.training.run.reports import EpochReport, RunResult


def start(*arguments: str) -> "subprocess.Popen[str]":
    """Starts `vifi` in a session of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-m", "vifi_cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finetune_arguments(data: Path, model: Path, *changes: str) -> list[str]:
    recipe = ("frames=2", "epochs=2", "effective_batch=4", *changes)
    changed = [part for change in recipe for part in ("--recipe", change)]
    return ["finetune", "--data", str(data), "--model", str(model), "--device", "cpu", *changed]


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_spares_the_processes_that_read(
    colour_folder: Path, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    changes = ("epochs=5000", "validate_every=5000", "runtime.workers=1")
    run = start(*finetune_arguments(colour_folder, tiny_model, *changes), "--output", str(folder))
    metrics, deadline = folder / "metrics.jsonl", time.monotonic() + 300
    while not (metrics.exists() and '"step"' in metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)  # a terminal sends it to all processes of the foreground
    stdout, stderr = run.communicate(timeout=60)
    assert (run.returncode, stdout) == (130, ""), stderr
    assert "interrupted and saved" in stderr
    assert (folder / "training_state.safetensors").exists()


def test_what_the_user_says_counts_more_than_the_presets_towers() -> None:
    recipe = make_recipe("supervised", tune="image", changes=["learning_rate=1e-4"])
    assert (recipe.learning_rate, recipe.effective_batch) == (1e-4, 256)
    chosen = make_recipe("supervised", changes=["effective_batch=8", "tune=text"])
    assert (chosen.learning_rate, chosen.effective_batch) == (8e-6, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("learning_rate=inf", "learning_rate must be a finite number"),
        ("weight_decay=nan", "weight_decay must be a finite number"),
        ("warmup_epochs=inf", "warmup_epochs must be a finite number"),
        ("runtime.clip_cache_gb=inf", "runtime.clip_cache_gb must be a finite number"),
        ("runtime.save_minutes=nan", "runtime.save_minutes must be a finite number"),
        ("learning_rate=1" + "0" * 400, "learning_rate must be a finite number"),
        ("seed=1" + "0" * 30, "seed must be below"),
        ("template={} or {}!", "template needs {} once"),
        ("image=5", "image is a table"),
        ("tune=[1]", "tune should be"),
        ("template=" + 300 * "x", "template needs {} once"),
    ],
)
def test_hostile_values_of_a_recipe_are_named(change: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_recipe("small", tune=None if "tune" in change else "image", changes=[change])


def broken_videos(folder: Path, number: int) -> tuple[LabeledVideo, ...]:
    videos = tuple(LabeledVideo(folder / f"{place}.mp4", place % 3) for place in range(number))
    for video in videos:
        video.path.write_bytes(b"no video")
    return videos


def test_a_run_ends_with_a_best_model_even_where_no_validation_video_can_be_read(
    make_run: MakeRun, tmp_path: Path, colours: LabeledVideos
) -> None:
    data = replace(colours, val=broken_videos(tmp_path, 3))
    *_, result = make_run(tmp_path / "run", "epochs=2", data=data).reports()
    assert isinstance(result, RunResult)
    assert result.epoch == 2
    assert result.val is not None
    assert (result.val.videos, result.val.unreadable) == (0, 3)
    assert result.test is not None
    assert result.test.videos == 3


def test_training_videos_none_of_which_can_be_read_are_told_of_in_a_line(
    make_run: MakeRun, tmp_path: Path, colours: LabeledVideos
) -> None:
    data = replace(colours, train=broken_videos(tmp_path, 6))
    with pytest.raises(UnreadableVideo, match=r"^no training video can be read: `vifi data check` says why$"):
        list(make_run(tmp_path / "run", "runtime.workers=1", data=data).reports())


def test_a_state_that_finds_no_room_is_the_systems_error_and_leaves_the_older_one(
    make_run: MakeRun, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from vifi_cli.training.run.state import RunProgress, save_training_state

    run = make_run(tmp_path / "run")
    state = tmp_path / "state.safetensors"
    save_training_state(state, run._learner, RunProgress())
    before = state.read_bytes()
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match="File too large"):
        save_training_state(state, run._learner, RunProgress(step=1))
    assert state.read_bytes() == before
    assert [path.name for path in tmp_path.glob("*state*")] == ["state.safetensors"]


def test_full_memory_before_anything_is_saved_does_not_send_to_resume(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run")

    def run_out(*_: object) -> None:
        if torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory")

    run._learner.network.visual.register_forward_pre_hook(run_out)
    with pytest.raises(
        InvalidInput, match=r"start a new run in another --output with --recipe runtime\.micro_batch="
    ):
        list(run.reports())


def test_a_step_that_diverges_names_a_few_of_its_videos(
    make_run: MakeRun, tmp_path: Path, colours: LabeledVideos
) -> None:
    data = replace(colours, train=colours.train * 3)
    run = make_run(tmp_path / "run", "effective_batch=27", data=data)
    torch.nn.init.constant_(run._learner.network.logit_scale, math.nan)
    with pytest.raises(
        TrainingDiverged, match=r"and 19 more; nothing is saved; the model was like that before"
    ) as caught:
        list(run.reports())
    assert str(caught.value).count(".mp4") == 8


def request_for(data: str, model: Path, folder: Path, *changes: str) -> TrainingRequest:
    return training_request(data, model, "finetune", {"recipe": changes, "output": folder})


def test_a_relative_folder_with_a_comma_is_found_again_from_elsewhere(
    colour_folder: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(colour_folder, tmp_path / "red,green")
    monkeypatch.chdir(tmp_path)
    prepared = prepare_run(request_for("red,green", tiny_model, tmp_path / "run"), AUTOMATIC)
    prepared.folder.begin(prepared.config)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("VIFI_DATA_ROOT", str(tmp_path))
    again = resumed_run(tmp_path / "run", Resumption(), AUTOMATIC)
    assert (again.data.train, again.config) == (prepared.data.train, prepared.config), "nothing was moved"
    (tmp_path / "red,green").rename(tmp_path / "elsewhere" / "moved")
    with pytest.raises(
        InvalidInput, match=r"red does not exist.*; if the data was moved, name its new place with --data"
    ):
        resumed_run(tmp_path / "run", Resumption(), AUTOMATIC)
    moved = resumed_run(tmp_path / "run", Resumption(data="moved"), AUTOMATIC)
    assert [video.path.name for video in moved.data.train] == [
        video.path.name for video in prepared.data.train
    ]
    moved.folder.note_place_of_data(moved.config)
    assert resumed_run(tmp_path / "run", Resumption(), AUTOMATIC).config == moved.config
    assert moved.config == replace(prepared.config, data=str(tmp_path / "elsewhere" / "moved"))
    fewer = shutil.copytree(colour_folder, tmp_path / "fewer")
    shutil.rmtree(fewer / "red")
    with pytest.raises(InvalidInput, match=r"are not those that .*run began with: name the place of those"):
        resumed_run(tmp_path / "run", Resumption(data=fewer), AUTOMATIC)


def test_a_set_known_by_name_is_no_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vifi_cli.data.source import DataSource

    (tmp_path / "ucf101").mkdir()
    monkeypatch.chdir(tmp_path)
    absolute = {
        text: str(DataSource.parse(text).absolute()) for text in ("ucf101", "ucf101:2", "lists,labels.csv")
    }
    assert absolute["ucf101"] == "ucf101"
    assert absolute["ucf101:2"] == "ucf101:2"
    assert absolute["lists,labels.csv"] == f"{tmp_path}/lists,{tmp_path}/labels.csv"


def test_a_setting_that_there_is_not_is_called_a_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--setting many-shot: the settings are"):
        finetune("ucf101", tmp_path, setting="many-shot", output=tmp_path / "run")


def test_a_run_that_cannot_be_put_together_does_not_keep_its_folder(
    colour_folder: Path, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    changes = ("runtime.precision=fp16",)
    failed = run_vifi(*finetune_arguments(colour_folder, tiny_model, *changes), "--output", folder)
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert "fp16 needs a GPU" in failed.stderr
    assert not folder.exists()


def test_of_two_runs_one_has_the_folder(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with pytest.raises(InvalidInput, match="is not empty"):
        RunFolder(tmp_path / "run").begin(run._config)
    assert RunFolder(tmp_path / "run").read_config() == run._config


def test_options_that_a_resumed_run_would_ignore_are_refused(tmp_path: Path) -> None:
    arguments = ("finetune", "--resume", str(tmp_path), "--tune", "text")
    stdout, stderr = (run := start(*arguments)).communicate(timeout=60)
    assert (run.returncode, stdout) == (2, "")
    assert stderr == "error: --tune does not go with --resume: a run continues as it began\n"


def test_a_gradient_that_is_no_number_leaves_the_weights_alone(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "epochs=2")
    reports = run.reports()
    for report in reports:
        if isinstance(report, EpochReport) and report.epoch == 1:
            break
    poisoned = run._learner.tuned["visual.proj"]
    poisoned.register_hook(lambda gradient: gradient * math.nan)
    before = poisoned.detach().clone()
    with pytest.raises(TrainingDiverged, match="or its gradient is not finite"):
        list(reports)
    assert torch.equal(poisoned, before)


def test_a_full_disk_names_the_command_that_continues(
    make_run: MakeRun, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same command would refuse the folder, which is not empty."""
    run = make_run(tmp_path / "run", "epochs=1")
    request.getfixturevalue("full_disk")
    with pytest.raises(
        InvalidInput,
        match=rf"weights.*: File too large: .* continue with `vifi finetune --resume {tmp_path}/run`",
    ):
        list(run.reports())


def test_a_run_folder_that_is_moved_ends_the_run_and_gets_no_second_one(
    make_run: MakeRun, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    reports = make_run(folder).reports()
    steps = (report for report in reports if isinstance(report, StepReport))
    next(report for report in steps if report.step + 1 == report.steps_per_epoch)  # `last/` comes next
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match=r"run was moved or deleted .* continue with --resume"):
        next(reports)
    assert not folder.exists()


def test_a_folder_that_is_no_runs_brings_what_is_meant(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    (tmp_path / "file").touch()
    for place, message in (
        ("run/best", rf"it has no config\.toml; did you mean {tmp_path}/run\?$"),
        ("file", r"file is not a run folder: it has no config\.toml$"),
        ("nothing", r"nothing is not a run folder: it has no config\.toml$"),
    ):
        with pytest.raises(InvalidInput, match=message):
            RunFolder(tmp_path / place).read_config()
    first, second = RunFolder(tmp_path / "two/finetune"), RunFolder(tmp_path / "two/prompt")
    config = RunFolder(tmp_path / "run").read_config()
    first.begin(config)
    second.begin(replace(config, model=str(first.best)))
    with pytest.raises(InvalidInput, match=f"continue with `vifi bridge --resume {tmp_path}/two`"):
        RunFolder(tmp_path / "two").read_config()
