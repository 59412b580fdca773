"""`vifi prompt-tune` and `vifi bridge` as a user runs them: whole, in two processes, killed, and asked for nonsense."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi, run_vifi
from tests.cli.training.test_finetune import kill_when, run_in_two_processes, step_losses, vifi_process
from vifi_cli.model.registry.card import read_card

QUICK = ("frames=2", "epochs=3", "effective_batch=4", "learning_rate=1e-2", "warmup_epochs=1")
SHALLOW = (*QUICK, "prompts.text_context=2", "prompts.text_depth=2")
BOTH = (*SHALLOW, "prompts.image_context=2", "prompts.image_depth=2")


def recipe(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--recipe", change)]


@pytest.fixture(scope="module")
def asked(colours: Path, tiny: Path) -> list[str]:
    return ["--data", str(colours), "--model", str(tiny), "--device", "cpu"]


def test_prompts_of_both_sides_want_a_new_index(vifi: Vifi, asked: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    outcome = vifi("prompt-tune", *asked, "-o", run, *recipe(*BOTH))
    assert outcome.exit_code == 0, outcome.stderr
    assert f"vifi index --rebuild --model {run / 'best'}" in outcome.stdout
    card = read_card(run / "best")
    assert card.prompts
    assert card.prompts.image_context == 2


def test_text_prompts_leave_the_index_as_it_is(
    vifi: Vifi,
    asked: list[str],
    colours: Path,
    tiny: Path,
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    vifi("index", colours, "--model", tiny, "--device", "cpu")
    outcome = vifi("prompt-tune", *asked, "--side", "text", "-o", run, *recipe(*SHALLOW))
    assert outcome.exit_code == 0, outcome.stderr
    assert f'vifi search "..." --model {run / "best"}' in outcome.stdout
    assert f"one made with {tiny} stays valid" in outcome.stdout
    assert "each is encoded once" in outcome.stderr
    found = vifi("search", "red", "--min-score", 0, "--model", run / "best", "--device", "cpu")
    assert (found.exit_code, "index" in found.stderr) == (0, False), found.stderr


def test_presets_fit_small_models_and_say_so(vifi: Vifi, asked: list[str], tmp_path: Path) -> None:
    outcome = vifi("prompt-tune", *asked, "-o", tmp_path / "run", "--json", *recipe(*QUICK))
    assert outcome.exit_code == 0, outcome.stderr
    assert "prompts go 2 layers deep, not 6" in outcome.stderr
    assert json.loads(outcome.stdout)["test"]["videos"] == 3


@pytest.mark.slow
def test_a_killed_prompt_tuning_goes_on_as_if_nothing_had_happened(
    vifi: Vifi, asked: list[str], tmp_path: Path
) -> None:
    arguments = ("prompt-tune", *asked, *recipe(*BOTH, "epochs=4"))
    undisturbed, killed = tmp_path / "whole", tmp_path / "killed"
    kill_when(1, "epoch 2", *arguments, "-o", killed)
    for command in ((*arguments, "-o", undisturbed), ("prompt-tune", "--resume", killed, "--device", "cpu")):
        outcome = vifi(*command)
        assert outcome.exit_code == 0, outcome.stderr
    assert step_losses(killed) == step_losses(undisturbed)
    expected, resumed = (run / "last" / "prompts.safetensors" for run in (undisturbed, killed))
    assert expected.read_bytes() == resumed.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("side", ["both", "text"])
def test_two_processes_learn_what_one_learns(vifi: Vifi, asked: list[str], tmp_path: Path, side: str) -> None:
    changes = (*(BOTH if side == "both" else SHALLOW), "mixing.group=2")
    arguments = ("prompt-tune", *asked, "--side", side, *recipe(*changes))
    alone = vifi(*arguments, "-o", tmp_path / "1")
    assert alone.exit_code == 0, alone.stderr
    run_in_two_processes(*arguments, "-o", tmp_path / "2")
    assert step_losses(tmp_path / "2") == pytest.approx(step_losses(tmp_path / "1"), abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--recipe", "prompts.text_depth=9"), "text_depth = 9, but the text tower has 2 layers"),
        (("--recipe", "prompts.text_depth=0"), "8 text prompts in 0 layers"),
        (("--protocol", "paper"), "the paper learns prompts in the settings few-shot-K and base2novel"),
        (("--model", "nothing/here"), "no model"),
        (("--resume", "runs/x", "--side", "text"), "does not go with --resume"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(
    vifi: Vifi, asked: list[str], arguments: tuple[str, ...], message: str
) -> None:
    base = [] if "--resume" in arguments else asked
    outcome = vifi("prompt-tune", *base, *arguments)
    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert outcome.stderr.strip().splitlines()[-1].startswith("error: ")


def test_an_unknown_side_is_refused(vifi: Vifi, asked: list[str]) -> None:
    outcome = vifi("prompt-tune", *asked, "--side", "left")
    assert outcome.exit_code == 2
    assert "'left' is not one of" in outcome.stderr


def test_prompts_are_no_business_of_finetune(vifi: Vifi, asked: list[str]) -> None:
    outcome = vifi("finetune", *asked, "--recipe", "prompt-small")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "prompts are learned by `vifi prompt-tune`" in outcome.stderr


@pytest.mark.parametrize("option", ["--setting", "--protocol"])
def test_a_run_that_goes_on_takes_neither_setting_nor_protocol(
    vifi: Vifi, tmp_path: Path, option: str
) -> None:
    value = {"--setting": "supervised", "--protocol": "default"}[option]
    for command in ("finetune", "prompt-tune", "bridge"):
        outcome = vifi(command, "--resume", tmp_path, option, value)
        assert outcome.exit_code == 2
        assert f"{option} does not go with --resume" in outcome.stderr


STAGES = (
    *(f"finetune.{change}" for change in (*QUICK, "learning_rate=1e-3")),
    *(f"prompt.{change}" for change in BOTH),
    "prompt.epochs=4",
)


def test_both_stages_run_one_after_the_other(vifi: Vifi, asked: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    outcome = vifi("bridge", *asked, "-o", run, *recipe(*STAGES))
    assert outcome.exit_code == 0, outcome.stderr
    names = [line.split("\t")[0] for line in outcome.stdout.splitlines()]
    assert names[:5] == ["Stage", "before", "fine-tuned", "prompted", "Model"]
    card = read_card(run / "prompt" / "best")
    assert card.base
    assert card.base.model == str(run / "finetune" / "best")
    assert len(step_losses(run / "finetune")) == 3 * 3
    assert len(step_losses(run / "prompt")) == 4 * 3
    again = vifi("bridge", "--resume", run, "--device", "cpu", "--json")
    assert again.exit_code == 0, again.stderr
    document = json.loads(again.stdout)
    assert document["model"] == str(run / "prompt" / "best")
    assert document["finetune"]["epoch"] == 3
    assert document["prompt"]["epoch"] == 4


def test_the_prompts_of_a_bridge_are_the_newest_model(
    vifi: Vifi, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "one"
    assert vifi("bridge", *asked, "-o", run, *recipe(*STAGES, "epochs=1")).exit_code == 0
    tested = vifi("eval", "--setting", "zero-shot")
    assert tested.exit_code == 0, tested.stderr
    assert tested.stderr.startswith(f"model: {run / 'prompt' / 'best'}; data: ")


def test_a_bridge_that_was_moved_goes_on_and_is_whole_again(
    vifi: Vifi, asked: list[str], colours: Path, tmp_path: Path
) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved"
    assert vifi("bridge", *asked, "-o", run, *recipe(*STAGES, "epochs=1")).exit_code == 0
    run.rename(moved)
    classify = ("classify", colours / "test" / "red", "--model", moved / "prompt" / "best")
    assert f"no such model at {run / 'finetune' / 'best'}" in vifi(*classify).stderr
    resumed = vifi("bridge", "--resume", moved, "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["prompt"]["test"]["videos"] == 3
    assert vifi(*classify).exit_code == 0


@pytest.fixture(scope="module")
def undisturbed(asked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bridge that ran to its end."""
    run = tmp_path_factory.mktemp("bridge") / "whole"
    outcome = run_vifi("bridge", *asked, *recipe(*STAGES), "-o", run)
    assert outcome.exit_code == 0, outcome.stderr
    return run


@pytest.mark.slow
@pytest.mark.parametrize("stage", [0, 1])
def test_a_bridge_goes_on_in_the_stage_that_was_killed(
    vifi: Vifi, asked: list[str], undisturbed: Path, tmp_path: Path, stage: int
) -> None:
    killed = tmp_path / "killed"
    kill_when(stage + 1, "epoch 2", "bridge", *asked, *recipe(*STAGES), "-o", killed)
    outcome = vifi("bridge", "--resume", killed, "--device", "cpu")
    assert outcome.exit_code == 0, outcome.stderr
    for name in ("finetune", "prompt"):
        assert step_losses(killed / name) == step_losses(undisturbed / name)


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(asked: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ("bridge", *asked, *recipe(*STAGES, "finetune.epochs=5000", "finetune.validate_every=5000"))
    with subprocess.Popen(vifi_process(*arguments, "-o", run), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("epoch 1"):
                process.send_signal(signal.SIGINT)
                break
        said += process.stderr.read()
    assert process.returncode == 130, said
    assert f"interrupted and saved; continue with vifi bridge --resume {run}" in said
    assert not (run / "prompt" / "best").exists()


def test_a_bridge_with_a_mistake_in_its_second_stage_does_not_begin(
    vifi: Vifi, asked: list[str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    for change, message in (
        ("prompt.prompts.text_depth=9", "but the text tower has 2 layers"),
        ("prompt.seed=5", "finetune.seed and prompt.seed must be equal"),
        ("finetune.prompts.text_depth=1", "0 text prompts in 1 layers"),
    ):
        outcome = vifi("bridge", *asked, "-o", run, *recipe(*STAGES, change))
        assert outcome.exit_code == 2
        assert message in outcome.stderr
        assert not run.exists()


def test_a_bridge_whose_prompts_displace_the_names_does_not_begin(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path
) -> None:
    videos = sorted(colours.rglob("*.mp4"))
    lines = [f"{video},dark {video.parent.name}" for video in videos]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["path,label", *lines]))
    asked = ["--data", str(table), "--model", str(tiny), "--device", "cpu"]
    changes = ("prompt.prompts.text_context=13", "prompt.prompts.text_depth=1")
    outcome = vifi("bridge", *asked, "-o", tmp_path / "run", *recipe(*STAGES, *changes))
    assert outcome.exit_code == 2
    assert "its learned prompts displace what they differ in" in outcome.stderr
    assert "prompts.text_context" in outcome.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_a_run_of_one_stage_is_no_bridge(vifi: Vifi, tmp_path: Path) -> None:
    outcome = vifi("bridge", "--resume", tmp_path)
    assert outcome.exit_code == 2
    assert "is not a run of two stages" in outcome.stderr
