"""The optimizer, held against the published one, and the moving average of weights, against timm's."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.training.conftest import MakeRun
from vifi_cli.errors import InvalidInput
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.training.engine.learner import warm_decay
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.run.folder import RunFolder

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


def test_only_the_last_blocks_learn(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "epochs=1", "tune_layers=1")
    before = {name: tensor.clone() for name, tensor in run._learner.network.state_dict().items()}
    list(run.reports())
    after = run._learner.network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    last = {name for name in before if ".resblocks.1." in name and not name.endswith("attn_mask")}
    behind = {"visual.proj", "visual.ln_post.weight", "visual.ln_post.bias", "text.text_projection",
              "text.ln_final.weight", "text.ln_final.bias", "logit_scale"}  # fmt: skip
    assert moved == last | behind == set(run._learner.tuned)


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        (("tune_layers=0", "tune=image"), {"visual.proj", "visual.ln_post.weight", "visual.ln_post.bias"}),
        (
            ("tune_layers=0", "tune=text"),
            {"text.text_projection", "text.ln_final.weight", "text.ln_final.bias"},
        ),
    ],
)
def test_what_is_behind_the_blocks_learns_alone(
    make_run: MakeRun, tmp_path: Path, changes: tuple[str, ...], parameters: set[str]
) -> None:
    run = make_run(tmp_path / "run", *changes)
    assert set(run._learner.tuned) == parameters
    assert {
        name for name, value in run._learner.network.named_parameters() if value.requires_grad
    } == parameters


def test_more_blocks_than_there_are_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="tune_layers = 3, but the image tower has 2 blocks"):
        make_run(tmp_path / "run", "tune_layers=3")
    assert len(make_run(tmp_path / "all", "tune_layers=2")._learner.tuned) == 2 * (2 * 12 + 3) + 1


def test_layers_have_rates_that_decay_with_depth(make_run: MakeRun, tmp_path: Path) -> None:
    """BEiT's: behind the blocks 1, the last block 0.5, the first 0.25, what comes before the blocks 0.125."""
    run = make_run(tmp_path / "run", "layer_decay=0.5")
    learner = run._learner
    for report in run.reports():
        if isinstance(report, StepReport) and report.step == 1:
            break
    assert isinstance(report, StepReport)
    names = {id(parameter): name for name, parameter in learner.tuned.items()}
    rates = {
        names[id(parameter)]: group["lr"] / report.learning_rate
        for group in learner.optimizer.param_groups
        for parameter in group["params"]
    }
    assert rates.keys() == learner.tuned.keys()
    for tower, first, last in (
        ("visual", "conv1.weight", "proj"),
        ("text", "positional_embedding", "text_projection"),
    ):
        block = f"{tower}.transformer.resblocks.{{}}.mlp.c_fc.weight"
        chosen = [f"{tower}.{first}", block.format(0), block.format(1), f"{tower}.{last}"]
        assert [rates[name] for name in chosen] == pytest.approx([0.125, 0.25, 0.5, 1])
    assert rates["logit_scale"] == 1
    assert len(learner.optimizer.param_groups) == 4


def test_layer_decay_goes_with_low_rank_matrices(make_run: MakeRun, tmp_path: Path) -> None:
    learner = make_run(tmp_path / "run", "layer_decay=0.5", "lora.rank=2")._learner
    scales = {group["lr_scale"]: len(group["params"]) for group in learner.optimizer.param_groups}
    assert scales == {0.5: 8, 0.25: 8}  # two towers, two places, two matrices


def test_gradients_are_scaled_down_to_the_greatest_norm(make_run: MakeRun, tmp_path: Path) -> None:
    """Clipped at half the norm, they are half as large; reported is the norm before."""
    run = make_run(tmp_path / "free")
    steps = (report for report in run.reports() if isinstance(report, StepReport))
    assert next(steps).gradient_norm is None
    gradients = {
        name: value.grad.clone() for name, value in run._learner.tuned.items() if value.grad is not None
    }
    norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients.values()))
    clipped = make_run(tmp_path / "clipped", f"clip_gradients={norm / 2}")
    report = next(report for report in clipped.reports() if isinstance(report, StepReport))
    assert report.gradient_norm == pytest.approx(norm, rel=1e-5)
    for name, gradient in gradients.items():
        found = clipped._learner.tuned[name].grad
        assert found is not None
        torch.testing.assert_close(found, gradient / 2, rtol=1e-4, atol=1e-8)
    line = (tmp_path / "clipped" / "metrics.jsonl").read_text().splitlines()[1]
    assert json.loads(line)["gradient_norm"] == report.gradient_norm
    assert RunFolder(tmp_path / "clipped").history()[0][0].gradient_norm == report.gradient_norm


def test_gradients_of_fp16_are_clipped_without_their_scale(make_run: MakeRun, tmp_path: Path) -> None:
    """A scaler multiplies gradients by 65536, which must not count."""
    run = make_run(tmp_path / "run", "clip_gradients=1e9", "warmup_epochs=0")
    learner, weight = run._learner, run._learner.tuned["visual.proj"]
    learner.scaler = torch.amp.GradScaler("cpu")
    for parameter in learner.tuned.values():
        parameter.grad = torch.zeros_like(parameter)
    weight.grad = torch.full_like(weight, 3.0)
    learner.scaler.scale(torch.tensor(1.0))  # sets the scale up
    weight.grad *= learner.scaler.get_scale()
    assert learner.step(1e-3, 0) == pytest.approx(3 * math.sqrt(weight.numel()), rel=1e-6)
    weight.grad = torch.full_like(weight, math.inf)
    before = weight.detach().clone()
    assert learner.step(1e-3, 1) is None
    assert torch.equal(weight, before), "a step that overflows is skipped"
