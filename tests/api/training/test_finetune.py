"""Training as a program calls it: from a plain script, interrupted, and with options that do not exist."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import vifi_cli
from tests.cli.training.test_finetune import QUICK, step_losses
from vifi_cli.errors import InvalidInput

ROOT = Path(__file__).parents[3]
SCRIPT = """
from vifi_cli import bridge, finetune, prompt_tune, resume_training

recipe = [*{quick}, "runtime.workers=1"]
tuned = finetune({data!r}, {model!r}, recipe=recipe, output="tuned", device="cpu")
prompts = [*recipe, {{"prompts": {{"text_context": 2, "text_depth": 1}}}}]
prompted = prompt_tune({data!r}, tuned.model, tune="text", recipe=prompts, output="prompted", device="cpu")
print(tuned)
print(prompted.index_model)
print(resume_training("tuned", device="cpu") == tuned)
"""
ENDLESS = """
import logging
from vifi_cli import finetune

logging.basicConfig(level=logging.INFO)
finetune({data!r}, {model!r}, recipe=[*{quick}, "epochs=5000", "validate_every=5000"], output="run", device="cpu")
"""


def started(script: str, folder: Path, data: Path, model: Path) -> "subprocess.Popen[str]":
    """Runs a script that has no `if __name__ == "__main__":`, in a folder."""
    file = folder / "script.py"
    file.write_text(script.format(data=str(data), model=str(model), quick=QUICK))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, file], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_plain_script_trains_with_workers(colours: Path, tiny: Path, tmp_path: Path) -> None:
    stdout, stderr = (run := started(SCRIPT, tmp_path, colours, tiny)).communicate(timeout=120)
    assert run.returncode == 0, stderr
    result, index_model, is_same = stdout.splitlines()
    assert result.startswith(f"<RunResult {tmp_path / 'tuned' / 'best'}: epoch ")
    assert "top-1" in result
    assert (index_model, is_same) == (str(tmp_path / "tuned" / "best"), "True")


def test_ctrl_c_saves_the_run_of_a_script(colours: Path, tiny: Path, tmp_path: Path) -> None:
    run = started(ENDLESS, tmp_path, colours, tiny)
    assert run.stderr
    noted = next(line for line in run.stderr if "before" in line)  # training begins
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=60)
    assert "top-1" in noted
    assert "Interrupted: the run is saved in" in stderr
    assert (tmp_path / "run" / "training_state.safetensors").exists()
    assert step_losses(tmp_path / "run")


def test_options_that_do_not_exist_are_refused(colours: Path) -> None:
    with pytest.raises(TypeError, match=r"no option 'epochs' here; changes of the recipe go into recipe="):
        vifi_cli.finetune(colours, epochs=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no option 'fusion'"):
        vifi_cli.prompt_tune(colours, fusion="image")  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match="there is no protocol 'strict'"):
        vifi_cli.bridge(colours, protocol="strict")  # type: ignore[arg-type]
