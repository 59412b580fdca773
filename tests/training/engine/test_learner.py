"""The optimizer, held against the published one, and the moving average of weights, against timm's."""

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.training.conftest import MakeRun
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.training.engine.learner import warm_decay
from vifi_cli.training.engine.step_report import StepReport

declare_missing_operators()
from timm.utils import ModelEmaV3  # noqa: E402


def test_the_optimizer_is_the_published_one(make_run: MakeRun, tmp_path: Path) -> None:
    """utils/optimizer.py: weight decay on everything, biases, norms, positions and the temperature included."""
    learner = make_run(tmp_path / "run")._learner
    (group,) = learner.optimizer.param_groups
    assert type(learner.optimizer) is torch.optim.AdamW
    assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.9, 0.98), 1e-8, 0.001)
    every = {name for name, _ in learner.network.named_parameters()}
    assert set(learner.tuned) == every - {"text.token_embedding.weight"}
    assert {id(parameter) for parameter in group["params"]} == set(map(id, learner.tuned.values()))


@pytest.mark.parametrize("decay", [0.5, 0.999, 0.9999])
def test_the_decay_warms_up_as_in_timm(decay: float) -> None:
    timm = ModelEmaV3(nn.Linear(1, 1), decay=decay, use_warmup=True)
    for step in (0, 1, 2, 5, 35, 1_000, 31_621, 10**6):
        assert warm_decay(step, decay) == timm.get_decay(step + 1)


def test_a_short_run_keeps_the_average_of_timm_and_not_the_weights_that_it_began_with(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", "ema_decay=0.999", "warmup_epochs=0")
    learner = run._learner
    tuned = nn.ParameterDict({name.replace(".", "/"): value for name, value in learner.tuned.items()})
    timm, steps = ModelEmaV3(tuned, decay=0.999, use_warmup=True), 0
    began = {name: value.detach().clone() for name, value in learner.tuned.items()}
    for report in run.reports():
        if isinstance(report, StepReport):
            steps += 1
            timm.update(tuned, step=steps)
            if steps == 10:
                break
    theirs = {name.replace("/", "."): value for name, value in timm.module.items()}
    assert learner.average.keys() == theirs.keys()
    for name, average in learner.average.items():
        torch.testing.assert_close(average, theirs[name].detach(), rtol=1e-5, atol=1e-7)
    moved = sum(float((value - began[name]).norm()) for name, value in learner.average.items())
    whole = sum(float((value.detach() - began[name]).norm()) for name, value in learner.tuned.items())
    assert moved > 0.5 * whole, "without a warm-up it is 1 % of the way"
