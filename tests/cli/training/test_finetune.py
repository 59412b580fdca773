"""`vifi finetune` as a user runs it: in one process, in two, killed, and asked for nonsense."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from vifi_cli.training.run.folder import RunFolder

QUICK = ("frames=2", "epochs=2", "effective_batch=4", "learning_rate=1e-3", "warmup_epochs=1")


def recipe(*changes: str) -> list[str]:
    return [part for change in (*QUICK, *changes) for part in ("--recipe", change)]


def step_losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "step" in line]


def test_from_a_folder_to_a_model_that_indexes(vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    outcome = vifi(
        "finetune", "--data", colours, "--model", tiny, "-o", run, "--device", "cpu", "--json", *recipe()
    )
    assert outcome.exit_code == 0, outcome.stderr
    result = json.loads(outcome.stdout)
    assert result["model"] == str(run / "best")
    assert result["test"]["videos"] == 3
    assert {path.name for path in run.iterdir()} == {
        "config.toml", "metrics.jsonl", "curves.png", "best", "last", "training_state.safetensors",
    }  # fmt: skip
    indexed = vifi("index", colours, "--model", run / "best", "--device", "cpu")
    assert indexed.exit_code == 0, indexed.stderr
    assert vifi("search", "red", "--min-score", 0).exit_code == 0


def test_an_interrupted_run_that_is_done_says_so_again(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    vifi("finetune", "--data", colours, "--model", tiny, "-o", run, "--device", "cpu", *recipe())
    (run / "curves.png").unlink()  # as if killed before they were drawn
    again = vifi("finetune", "--resume", run, "--device", "cpu")
    assert again.exit_code == 0, again.stderr
    assert str(run / "best") in again.stdout
    assert f"vifi eval --model {run / 'best'}" in again.stdout, "also of a run that `vifi eval` does not find"
    assert (run / "curves.png").exists()


def vifi_process(*arguments: object, processes: int = 1) -> list[str]:
    """The command line of a run in processes of its own."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    start = [*launcher, "-m", "vifi_cli"] if processes > 1 else ["-m", "vifi_cli"]
    return [sys.executable, *start, *map(str, arguments)]


def run_in_two_processes(*arguments: object) -> str:
    """Runs a command in two processes that share its work; returns what it printed."""
    command = vifi_process(*arguments, processes=2)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kill_when(lines: int, begin_with: str, *arguments: object) -> None:
    """Starts a command and kills it once so many of its lines on stderr begin with a text."""
    with subprocess.Popen(vifi_process(*arguments), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            lines -= line.startswith(begin_with)
            if lines == 0:
                process.send_signal(signal.SIGKILL)
                break
        process.stderr.read()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path) -> None:
    # so many texts that they are encoded in parts
    texts = {name: [f"{name} {number} " * 40 for number in range(220)] for name in ("red", "green", "blue")}
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    arguments = (
        "finetune", "--data", colours, "--model", tiny, "--device", "cpu", "--texts", tmp_path / "texts.json",
        *recipe("mixing.group=2", "clip_gradients=0.5", "layer_decay=0.8", "texts_per_step=200"),
    )  # fmt: skip
    alone = vifi(*arguments, "-o", tmp_path / "1")
    assert alone.exit_code == 0, alone.stderr
    run_in_two_processes(*arguments, "-o", tmp_path / "2")
    assert step_losses(tmp_path / "2") == pytest.approx(step_losses(tmp_path / "1"), abs=1e-4)
    norms = [[step.gradient_norm for step in RunFolder(tmp_path / n).history()[0]] for n in ("1", "2")]
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)
    scores = [
        json.loads(line).get("scores") for line in (tmp_path / "2" / "metrics.jsonl").read_text().splitlines()
    ]
    assert {found["videos"] for found in scores if found} == {3}


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.json"
    texts.write_text(
        json.dumps({colour: [f"so {colour}", f"a {colour} sky"] for colour in ("red", "green", "blue")})
    )
    arguments = (
        "finetune", "--data", colours, "--model", tiny, "--device", "cpu", "--texts", texts,
        *recipe("epochs=4", "texts_per_step=1"),
    )  # fmt: skip
    undisturbed, killed = tmp_path / "whole", tmp_path / "killed"
    kill_when(1, "epoch 2", *arguments, "-o", killed)
    for command in ((*arguments, "-o", undisturbed), ("finetune", "--resume", killed, "--device", "cpu")):
        outcome = vifi(*command)
        texts.unlink(missing_ok=True)  # a run has a copy
        assert outcome.exit_code == 0, outcome.stderr
    assert step_losses(killed) == step_losses(undisturbed)
    expected, resumed = (folder / "last" / "weights.safetensors" for folder in (undisturbed, killed))
    assert expected.read_bytes() == resumed.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--data is missing"),
        (("--data", "nowhere"), "nowhere does not exist"),
        (("--data", "{colours}", "--setting", "many-shot"), "--setting many-shot: the settings are"),
        (("--data", "{colours}", "--recipe", "epoch=3"), "there is no key epoch"),
        (("--data", "{colours}", "--model", "nothing/here"), "no model"),
        (("--data", "ucf101:x"), "write the number of an official split after the colon"),
        (("--resume", "{colours}"), "is not a run folder"),
        (("--data", "ucf101", "--data-root", "{colours}"), "ucf101"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(
    vifi: Vifi, colours: Path, tiny: Path, arguments: tuple[str, ...], message: str
) -> None:
    filled = [argument.format(colours=colours) for argument in arguments]
    model = [] if "--model" in filled or "--resume" in filled else ["--model", tiny]
    outcome = vifi("finetune", *filled, *model, "--device", "cpu")
    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1


def test_a_run_goes_on_with_its_own_data_and_recipe(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    vifi("finetune", "--data", colours, "--model", tiny, "-o", run, "--device", "cpu", *recipe())
    changed = vifi("finetune", "--resume", run, "--recipe", "epochs=9")
    assert changed.exit_code == 2
    assert "only runtime.* can be changed" in changed.stderr
    other = vifi("finetune", "--resume", run, "--data", colours / "train")
    assert other.exit_code == 2
    assert f"the videos of {colours / 'train'} are not those that {run} began with" in other.stderr
    assert RunFolder(run).read_config().data == str(colours)
