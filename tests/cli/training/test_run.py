"""Training as a function, as commands that train several models call it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.cli.training.test_finetune import QUICK
from vifi_cli.cli.training.finetuning import FinetuneRequest
from vifi_cli.cli.training.run import train_model
from vifi_cli.errors import InvalidInput
from vifi_cli.training.engine.distributed import Processes
from vifi_cli.training.run.folder import RunFolder, newest_run

ALONE = Processes(0, 1, torch.device("cpu"))


@pytest.fixture
def request_in(colours: Path, tiny: Path, tmp_path: Path) -> FinetuneRequest:
    return FinetuneRequest(
        str(colours), None, "supervised", str(tiny), None, None, "default", QUICK, tmp_path / "runs" / "one"
    )


def test_several_models_are_trained_one_after_the_other(request_in: FinetuneRequest, tmp_path: Path) -> None:
    assert train_model(request_in, ALONE) == tmp_path / "runs" / "one" / "best"
    second = replace(request_in, tune="text", folder=tmp_path / "runs" / "two" / "text")
    best = train_model(second, ALONE)
    newest = newest_run(tmp_path / "runs")
    assert newest is not None
    assert newest.best == best
    assert newest.read_config().recipe.tune == "text"


def test_a_finished_run_is_not_done_again_and_a_killed_one_goes_on(request_in: FinetuneRequest) -> None:
    train_model(request_in, ALONE)
    assert request_in.folder
    run = RunFolder(request_in.folder)
    written, before = run.metrics.read_text(), (run.best / "weights.safetensors").read_bytes()
    train_model(request_in, ALONE)
    assert run.metrics.read_text() == written
    # killed in its first epoch, before anything was saved: it begins again
    run.state.unlink()
    run.metrics.write_text(written[:100])
    train_model(request_in, ALONE)
    assert run.metrics.read_text() == written
    assert (run.best / "weights.safetensors").read_bytes() == before


def test_a_folder_with_another_run_is_left_alone(request_in: FinetuneRequest) -> None:
    train_model(request_in, ALONE)
    other = replace(request_in, changes=(*QUICK, "seed=2"))
    with pytest.raises(InvalidInput, match="holds a run of something else"):
        train_model(other, ALONE)


def test_without_a_run_there_is_no_newest(tmp_path: Path) -> None:
    assert newest_run(tmp_path / "runs") is None
    (tmp_path / "runs" / "begun").mkdir(parents=True)
    (tmp_path / "runs" / "begun" / "config.toml").touch()
    assert newest_run(tmp_path / "runs") is None
