"""`--dry-run` plans a run, refuses what a run would refuse, and leaves nothing behind."""

import json
import math
from pathlib import Path

import pytest
from safetensors import safe_open

from tests.cli.conftest import Vifi
from tests.cli.training.test_finetune import recipe


def test_a_plan_says_what_the_run_then_does(vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = (
        "finetune",
        "--data",
        colours,
        "--model",
        tiny,
        "--device",
        "cpu",
        *recipe("ema_decay=0.9"),
        "-o",
        run,
    )
    planned = vifi(*command, "--dry-run", "--json")
    assert planned.exit_code == 0, planned.stderr
    assert not run.exists()
    (plan,) = json.loads(planned.stdout)["runs"]
    learned = plan["size"]["parameters"]
    assert plan["run"] == str(run)
    assert (plan["steps"], plan["size"]["steps_per_epoch"], plan["size"]["videos"]) == (6, 3, 9)
    memory = plan["memory"]
    assert (memory["gradients"], memory["optimizer"], memory["average"]) == (
        4 * learned,
        8 * learned,
        4 * learned,
    )
    parts = sum(memory[part] for part in ("weights", "gradients", "optimizer", "average", "activations"))
    assert memory["total"] == memory["main_peak"] > parts
    assert memory["main_peak"] > 100e6, "Python and torch alone take more"
    assert memory["activations"] > 0
    seconds = plan["seconds"]
    videos = 3 * 4  # scored before, after each of 2 epochs, and for the result
    assert seconds["total"] == pytest.approx(6 * seconds["step"] + videos * seconds["video"], rel=0.5)

    done = vifi(*command)
    assert done.exit_code == 0, done.stderr
    models = sum((run / name / "weights.safetensors").stat().st_size for name in ("best", "last"))
    assert plan["disk"]["models"] == pytest.approx(models, rel=0.02)
    with safe_open(run / "training_state.safetensors", "pt") as state:
        shapes = [state.get_slice(name).get_shape() for name in state.keys() if name.startswith("exp_avg.")]  # noqa: SIM118
    assert sum(map(math.prod, shapes)) == learned
    saved = (run / "training_state.safetensors").stat().st_size
    assert plan["disk"]["state"] == pytest.approx(saved, rel=0.05)

    again = vifi(*command, "--dry-run")
    assert (again.exit_code, again.stdout) == (2, "")
    assert f"{run} is not empty" in again.stderr


def test_a_bridge_plans_both_stages_in_words(vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path) -> None:
    changes = [
        part
        for change in ("frames=2", "finetune.epochs=3", "prompt.epochs=5")
        for part in ("--recipe", change)
    ]
    options = ("--data", colours, "--model", tiny, "--device", "cpu", *changes, "-o", tmp_path / "run")
    planned = vifi("bridge", *options, "--dry-run")
    assert planned.exit_code == 0, planned.stderr
    facts = [line.split("\t") for line in planned.stdout.splitlines()]
    names = ["Run", "Data", "Model", "Recipe", "Steps", "Memory", "Disk", "Time"]
    assert [name for name, _ in facts] == [*names, *names, "Together"]
    values = [value for _, value in facts]
    assert values[0] == str(tmp_path / "run" / "finetune")
    assert values[8] == str(tmp_path / "run" / "prompt")
    assert values[4].startswith("6: 3 epochs of 2 steps of 8 clips, 4 at once on 1 x cpu, in float32")
    assert values[12].startswith("5: 5 epochs of 1 step of 9 clips")
    assert not (tmp_path / "run").exists()
    refused = vifi("finetune", "--resume", tmp_path, "--dry-run")
    assert refused.exit_code == 2
    assert "--dry-run does not go with --resume" in refused.stderr


def test_a_plan_names_class_texts_and_measures_memory_in_words(vifi: Vifi, colours: Path, tiny: Path) -> None:
    options = ("--data", colours, "--model", tiny, "--device", "cpu", *recipe(), "--texts", "short")
    planned = vifi("finetune", *options, "--dry-run")
    assert planned.exit_code == 0, planned.stderr
    facts = dict(line.split("\t") for line in planned.stdout.splitlines())
    assert facts["Recipe"].endswith(", class texts short")
    assert " at its peak, Python and saving included: " in facts["Memory"]
