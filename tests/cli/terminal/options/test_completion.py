"""Completion in a shell, by the protocol of the scripts that `--install-completion` writes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from vifi_cli.api.evaluation.methods.method import METHODS
from vifi_cli.cli.terminal.options import completion
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS
from vifi_cli.evaluation.testing.class_text_files import shipped_class_texts
from vifi_cli.evaluation.testing.paper_settings import read_setting
from vifi_cli.model.registry.known_models import KNOWN_MODELS

Complete = Callable[..., list[str]]
MODELS = [known.name for known in KNOWN_MODELS]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, one of them of two stages, and labeled videos."""
    monkeypatch.chdir(tmp_path)
    for run in ("runs/moves", "runs/both/prompt"):
        (tmp_path / run / "best").mkdir(parents=True)
        (tmp_path / run / "best" / "config.json").touch()
        (tmp_path / run / "config.toml").touch()
    (tmp_path / "reports" / "one").mkdir(parents=True)
    (tmp_path / "reports" / "one" / "predictions.csv").touch()
    (tmp_path / "ufo").mkdir()
    (tmp_path / "urban.csv").touch()
    (tmp_path / "uncle.mp4").touch()
    return tmp_path


@pytest.fixture
def complete(vifi: Vifi, here: Path, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """Completes the last word of a line as bash asks for it."""

    def ask(*line: str) -> list[str]:
        monkeypatch.setenv("_VIFI_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(("vifi", *line)))
        monkeypatch.setenv("COMP_CWORD", str(len(line)))
        return vifi().stdout.split()

    return ask


@pytest.mark.parametrize(
    "line",
    [
        ("index", "--model", ""),
        ("search", "x", "-m", ""),
        ("eval", "--model", "starter", "--model", ""),
        ("attention", "a.mp4", "--compare", ""),
        ("model", "show", ""),
        ("config", "set", "model", ""),
    ],
)
def test_models_are_those_known_by_name_and_those_of_runs(complete: Complete, line: tuple[str, ...]) -> None:
    assert complete(*line) == [*MODELS, "runs/both/prompt/best", "runs/moves/best"]


def test_a_beginning_narrows_the_choice(complete: Complete) -> None:
    for line in (("--model", "st"), ("--model", "=", "st"), ("-m", "st")):  # as bash splits --model=st
        assert complete("index", *line) == ["starter"]
    assert complete("search", '"a cat"', "--model", "st") == ["starter"]
    assert complete("index", "--model", "runs/m") == ["runs/moves/best"]
    assert complete("index", "--model", "./") == []  # the shell completes files then
    assert complete("finetune", "--data", "u") == ["ucf101", "ufo", "urban.csv"]


@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        (("finetune", "--resume", ""), ["runs/both/prompt", "runs/moves"]),
        (("runs", ""), ["runs/both/prompt", "runs/moves"]),
        (("finetune", "--data", ""), list(PUBLIC_SETS)),
        (("data", "check", ""), list(PUBLIC_SETS)),
        (("classify", "a.mp4", "--classes", ""), list(PUBLIC_SETS)),
        (("eval", "--train", ""), list(METHODS)),
        (("eval", "c"), ["compare"]),
        (("eval", "vifi", "c"), []),
        (("eval", "compare", ""), ["reports/one"]),
        (("eval", "compare", "reports/one", "reports/"), ["reports/one"]),
        (("eval", "compare", "reports/one", "--method", "van"), ["vanilla"]),
        (("eval", "--train", "vifi@"), ["vifi@0.3", "vifi@0.5", "vifi@0.7", "vifi@0.9"]),
        (("eval", "--texts", ""), list(shipped_class_texts())),
        (("index", "--device", ""), ["auto", "cuda", "mps", "cpu"]),
        (("config", "get", "d"), ["device", "data_root"]),
        (("config", "set", "device", ""), ["auto", "cuda", "mps", "cpu"]),
        (("config", "set", "colors", "a"), ["auto", "always"]),
        (("config", "set", "top", ""), []),
        (("search", ""), []),
    ],
)
def test_values(complete: Complete, line: tuple[str, ...], candidates: list[str]) -> None:
    assert complete(*line) == candidates


def test_every_setting_and_recipe_that_is_offered_exists() -> None:
    from vifi_cli.training.recipe.changes import change_table

    for name, _ in completion.tested_settings(""):
        assert name in ("retrieval", "moments", "corpus-moments") or read_setting(name)
    for name, _ in completion.recipes(""):
        assert change_table(name)


def test_wrong_settings_and_unreadable_folders_leave_the_line_alone(
    complete: Complete, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_TOP", "many")
    assert complete("index", "--model", "st") == ["starter"]
    (here / "gone").mkdir()
    monkeypatch.chdir(here / "gone")
    (here / "gone").rmdir()
    assert complete("index", "--model", "st") == ["starter"]
    assert complete("finetune", "--data", "u") == ["ucf101"]


@pytest.mark.parametrize(("shell", "expected"), [("zsh", '"starter":"'), ("fish", "starter\t")])
def test_other_shells_show_what_a_value_is(
    vifi: Vifi, here: Path, monkeypatch: pytest.MonkeyPatch, shell: str, expected: str
) -> None:
    monkeypatch.setenv("_VIFI_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "vifi index --model st")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert expected in vifi().stdout


def test_completing_loads_nothing_heavy(here: Path) -> None:
    code = (
        "import sys; from vifi_cli.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'av', 'numpy', 'faiss') if name in sys.modules])"
    )
    asked = {
        "_VIFI_COMPLETE": "complete_bash", "COMP_WORDS": "vifi\nindex\n--model\n", "COMP_CWORD": "3",
        "PYTHONPATH": str(Path(__file__).parents[4]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, check=True, timeout=120
    )
    *candidates, heavy = done.stdout.decode().split("\n")[:-1]
    assert "runs/moves/best" in candidates
    assert heavy == "[]"
