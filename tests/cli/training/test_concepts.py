"""`--concepts` as a user gives it: marked moments become the data of a run."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.cli.training.test_finetune import recipe
from tests.conftest import MakeOnce
from tests.taught_colours import lend_taught_home, make_taught_home


@pytest.fixture
def taught(make_once: MakeOnce, tiny: Path, vifi_home: Path) -> Path:
    """Gives the test an index in which red, green and blue are taught; returns the data folder."""
    home = make_taught_home(make_once, tiny)
    lend_taught_home(home, vifi_home)
    return home


def test_marks_of_concepts_are_what_a_run_learns_from(
    vifi: Vifi, taught: Path, tiny: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    options = ("--model", tiny, "-o", run, "--device", "cpu", "--json", *recipe())
    outcome = vifi("finetune", "--concepts", "red,@green", *options)
    assert outcome.exit_code == 0, outcome.stderr
    result = json.loads(outcome.stdout)
    # the four blue clips are wrong for both
    assert result["classes"] == ["a green picture", "a red picture", "something else"]
    table = tmp_path / "run-clips.csv"
    assert f"12 marked moments written to {table}" in outcome.stderr
    assert len(table.read_text().splitlines()) == 13
    again = vifi("finetune", "--resume", run, "--device", "cpu")
    assert again.exit_code == 0, again.stderr


def test_the_plan_of_such_a_run_writes_no_table(vifi: Vifi, taught: Path, tiny: Path, tmp_path: Path) -> None:
    options = ("--model", tiny, "-o", tmp_path / "run", "--device", "cpu", "--json", "-n", *recipe())
    outcome = vifi("finetune", "--concepts", "red", *options)
    assert outcome.exit_code == 0, outcome.stderr
    (run,) = json.loads(outcome.stdout)["runs"]
    assert run["run"] == str(tmp_path / "run")
    assert run["classes"] == ["a red picture", "something else"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--concepts", "red", "--data", "x"), "--concepts does not go with --data"),
        (("--concepts", " , "), "--concepts names no concept: `vifi concepts` lists yours"),
        (("--concepts", "mauve"), "mauve"),
        ((), "--data is missing"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    vifi: Vifi, taught: Path, options: tuple[str, ...], message: str
) -> None:
    outcome = vifi("finetune", *options)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert message in outcome.stderr
