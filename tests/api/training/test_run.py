"""Training as a function, as commands that train several models call it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.cli.training.test_finetune import QUICK
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.training.request import TrainingOptions, TrainingRequest, training_request
from vifi_cli.api.training.run import train_model
from vifi_cli.errors import InvalidInput
from vifi_cli.training.engine.distributed import Processes
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
