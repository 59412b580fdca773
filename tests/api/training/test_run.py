"""Training as a function, as commands that train several models call it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.cli.training.test_finetune import QUICK
from vifi_cli import bridge, finetune, prompt_tune
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.training.prepare import prepare_run, restarted_run
from vifi_cli.api.training.request import TrainingOptions, TrainingRequest, training_request
from vifi_cli.api.training.run import train_model
from vifi_cli.errors import InvalidInput
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.run.folder import RunFolder, newest_run

ALONE = Processes(0, 1, torch.device("cpu"))


@pytest.fixture
def request_in(colours: Path, tiny: Path, tmp_path: Path) -> TrainingRequest:
    options: TrainingOptions = {"recipe": QUICK, "output": tmp_path / "runs" / "one"}
    return training_request(colours, tiny, "finetune", options)


def test_several_models_are_trained_one_after_the_other(request_in: TrainingRequest, tmp_path: Path) -> None:
    assert train_model(request_in, ALONE, AUTOMATIC) == tmp_path / "runs" / "one" / "best"
    second = replace(request_in, tune="text", output=tmp_path / "runs" / "two" / "text")
    best = train_model(second, ALONE, AUTOMATIC)
    newest = newest_run(tmp_path / "runs")
    assert newest is not None
    assert newest.best == best
    assert newest.read_config().recipe.tune == "text"


def test_a_finished_run_is_not_done_again_and_a_killed_one_goes_on(request_in: TrainingRequest) -> None:
    train_model(request_in, ALONE, AUTOMATIC)
    assert request_in.output
    run = RunFolder(request_in.output)
    written, before = run.metrics.read_text(), (run.best / "weights.safetensors").read_bytes()
    train_model(request_in, ALONE, AUTOMATIC)
    assert run.metrics.read_text() == written
    # killed in its first epoch, before anything was saved: it begins again
    run.state.unlink()
    run.metrics.write_text(written[:100])
    train_model(request_in, ALONE, AUTOMATIC)
    assert run.metrics.read_text() == written
    assert (run.best / "weights.safetensors").read_bytes() == before


def test_a_folder_with_another_run_is_left_alone(request_in: TrainingRequest) -> None:
    train_model(request_in, ALONE, AUTOMATIC)
    other = replace(request_in, recipe=(*QUICK, "seed=2"))
    with pytest.raises(InvalidInput, match="holds another run"):
        train_model(other, ALONE, AUTOMATIC)


def test_without_a_run_there_is_no_newest(tmp_path: Path) -> None:
    assert newest_run(tmp_path / "runs") is None
    (tmp_path / "runs" / "begun").mkdir(parents=True)
    (tmp_path / "runs" / "begun" / "config.toml").touch()
    assert newest_run(tmp_path / "runs") is None


def test_torchrun_continues_the_run_that_its_command_has_begun(
    request_in: TrainingRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare_run(request_in, AUTOMATIC)
    prepared.folder.begin(prepared.config)
    assert not restarted_run(prepared).is_begun, "without a launcher, the folder is refused"
    for launcher, value in (("TORCHELASTIC_RUN_ID", "none"), ("SLURM_RESTART_COUNT", "1")):
        monkeypatch.setenv(launcher, value)
        assert restarted_run(prepared).is_begun
        for change, is_same in (("seed=2", False), ("runtime.workers=1", True)):
            other = replace(request_in, recipe=(*request_in.recipe, change))
            assert restarted_run(prepare_run(other, AUTOMATIC)).is_begun is is_same
        monkeypatch.delenv(launcher)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "0")
    assert not restarted_run(prepared).is_begun


def test_a_run_that_torchrun_may_restart_needs_a_name(
    colours: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    for train in (finetune, prompt_tune, bridge):
        with pytest.raises(
            InvalidInput, match="torchrun may restart this run: name its folder with --output"
        ):
            train(colours, tiny)  # type: ignore[operator]
