"""Runs under odd conditions: interrupted, in several processes, with hostile values, on full disks."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


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
