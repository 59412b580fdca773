"""Runs under odd conditions: interrupted, in several processes, with hostile values, on full disks."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.training.recipe import make_recipe


def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Starts Python in a session of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        start_new_session=True,
    )


def finetune_arguments(data: Path, model: Path, *changes: str) -> list[str]:
    recipe = ("frames=2", "epochs=2", "effective_batch=4", *changes)
    changed = [part for change in recipe for part in ("--recipe", change)]
    return [
        "-m",
        "vifi_cli",
        "finetune",
        "--data",
        str(data),
        "--from",
        str(model),
        "--device",
        "cpu",
        *changed,
    ]


def test_ctrl_c_in_a_terminal_spares_the_processes_that_read(
    colour_folder: Path, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    changes = ("epochs=5000", "validate_every=5000", "runtime.workers=1")
    run = start(*finetune_arguments(colour_folder, tiny_model, *changes), "--output", str(folder))
    metrics, deadline = folder / "metrics.jsonl", time.monotonic() + 60
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
        ("tune=[1]", "tune is one of"),
        ("template=" + 300 * "x", "template needs {} once"),
    ],
)
def test_hostile_values_of_a_recipe_are_named(change: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_recipe("small", tune=None if "tune" in change else "image", changes=[change])
