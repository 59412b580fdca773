"""Runs of LoRA: only the matrices move, what is saved is small and equal to what learned, and runs go on exactly."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.conftest import MakeRun, check_that_a_stop_changes_nothing, losses
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import read_card
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunFolder
from vifi_cli.training.run.reports import EpochReport, RunResult
from vifi_cli.training.run.summary import summarize

LORA = ("lora.rank=2", "lora.alpha=4", 'lora.places=["q","v","mlp"]')


def matrices(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "lora.safetensors")


@pytest.mark.parametrize(("tune", "expected"), [("both", {"visual", "text"}), ("text", {"text"})])
def test_only_the_matrices_move(
    make_run: MakeRun, tmp_path: Path, tiny_model: Path, tune: str, expected: set[str]
) -> None:
    run = make_run(tmp_path / "run", "epochs=1", f"tune={tune}", *LORA)
    learner = run._learner
    before = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    reports = run.reports()
    first = next(reports)
    assert isinstance(first, EpochReport)
    for report in reports:
        if isinstance(report, EpochReport):
            break
    after = learner.network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(learner.tuned)
    assert {name.partition(".")[0] for name in moved} == expected
    *_, result = reports
    assert isinstance(result, RunResult)
    # an index of the start stays valid if the image tower is unchanged
    assert result.index_model == (str(tiny_model) if tune == "text" else str(result.model))


def test_what_comes_out_is_a_small_model_that_scores_as_the_one_that_learned(
    make_run: MakeRun, tmp_path: Path, tiny_model: Path
) -> None:
    run = make_run(tmp_path / "run", "epochs=2", "learning_rate=0.02", *LORA)
    learner = run._learner
    clips = torch.rand(2, 2, 3, 32, 32)
    expected = None
    for report in run.reports():
        if isinstance(report, EpochReport) and report.epoch == 2:
            expected = learner.network(clips, learner._texts.tokens).detach()
    last = load_vifi_clip(resolve_model(str(tmp_path / "run" / "last"))).network
    with torch.no_grad():
        found = last(clips, learner._texts.tokens)
        plain = load_vifi_clip(resolve_model(str(tiny_model))).network(clips, learner._texts.tokens)
    assert expected is not None
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(plain, expected, atol=1e-2)
    best = tmp_path / "run" / "best"
    card = read_card(best)
    assert card.base
    assert (card.base.model, card.tuned) == (str(tiny_model), ("image", "text"))
    assert card.lora
    assert (card.lora.rank, card.lora.alpha, card.lora.places) == (2, 4, ("q", "v", "mlp"))
    assert sum(path.stat().st_size for path in best.iterdir()) < 40_000
    assert (tmp_path / "run" / "training_state.safetensors").stat().st_size < 120_000
    assert "LoRA of rank 2 in both towers" in summarize(RunFolder(tmp_path / "run")).recipe_text
    check_what_can_start_from(best, make_run, tmp_path)


def check_what_can_start_from(best: Path, make_run: MakeRun, tmp_path: Path) -> None:
    """Full weights can, from the sum; changes of a model need one with weights of its own."""
    tuned = make_run(tmp_path / "tuned", "epochs=1", "tune=text", model=best)
    start = load_vifi_clip(resolve_model(str(best))).network.state_dict()
    assert all(
        torch.equal(tensor, start[name]) for name, tensor in tuned._learner.network.state_dict().items()
    )
    assert tuned._card.tuned == ("image", "text")
    assert (tuned._card.base, tuned._card.lora) == (None, None)
    for changes in (LORA, ("prompts.text_context=2", "prompts.text_depth=2")):
        with pytest.raises(InvalidInput, match=f"`vifi model merge {best} --output FOLDER`"):
            make_run(tmp_path / "again", *changes, model=best)
        (tmp_path / "again" / "config.toml").unlink()


def test_it_learns_colours(make_run: MakeRun, tmp_path: Path) -> None:
    changes = (
        *LORA,
        "epochs=15",
        "validate_every=15",
        "learning_rate=0.02",
        "augmentation.multi_scale_crop=0",
    )
    reports = list(make_run(tmp_path / "run", *changes).reports())
    steps = [report.loss for report in reports if isinstance(report, StepReport)]
    assert sum(steps[-3:]) < 0.7 * sum(steps[:3])


@pytest.mark.parametrize("ema", ["0", "0.5"])
def test_one_and_one_epoch_are_two_to_the_bit(make_run: MakeRun, tmp_path: Path, ema: str) -> None:
    changes = (*LORA, f"ema_decay={ema}")
    check_that_a_stop_changes_nothing(make_run, tmp_path, "lora.safetensors", changes)


def test_memory_savers_change_nothing_but_rounding(make_run: MakeRun, tmp_path: Path) -> None:
    for name, changes in {
        "plain": ("runtime.micro_batch=4",),
        "saving": ("runtime.micro_batch=1", "runtime.gradient_checkpointing=true"),
    }.items():
        list(make_run(tmp_path / name, "epochs=1", "learning_rate=0.01", *LORA, *changes).reports())
    assert losses(tmp_path / "plain") == pytest.approx(losses(tmp_path / "saving"), abs=1e-5)
    for name, tensor in matrices(tmp_path / "plain" / "last").items():
        torch.testing.assert_close(tensor, matrices(tmp_path / "saving" / "last")[name], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (["lora.rank=-1"], "lora.rank must be 0 or more"),
        (["lora.alpha=0"], "lora.alpha must be above 0"),
        (["lora.places=[]"], "lora.places needs one or more of q, k, v, o, mlp, conv"),
        (['lora.places=["x"]'], "lora.places should be 'q', 'k', 'v', 'o', 'mlp' or 'conv', not 'x'"),
        (["lora=8"], "lora should be a table"),
        (["lora.ranks=8"], "there is no key lora.ranks; did you mean rank"),
        (["prompt-small", "lora.rank=4"], "prompts and lora exclude each other"),
    ],
)
def test_recipes_that_make_no_sense(changes: list[str], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        make_recipe("small", changes=changes)
    assert "\n" not in str(caught.value)


def test_a_preset_asks_for_it() -> None:
    recipe = make_recipe("small", changes=["lora-small", "lora.rank=4"])
    assert (recipe.lora.rank, recipe.lora.alpha) == (4, 16)
    assert recipe.lora.places == ("q", "k", "v", "o", "conv")
    assert make_recipe("small").lora.rank == 0
