"""`vifi improve` as a user runs it: the plan, a decision that is explained, and documents for programs."""

from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.cli.training.test_finetune import recipe
from tests.conftest import MakeOnce
from tests.taught_colours import HARD, lend_taught_home, make_taught_home


@pytest.fixture
def taught(make_once: MakeOnce, tiny: Path, vifi_home: Path) -> None:
    """Gives the test an index in which four concepts are taught."""
    lend_taught_home(make_taught_home(make_once, tiny), vifi_home)


def test_perfect_marks_are_said_to_need_no_model(vifi: Vifi, taught: None, tmp_path: Path) -> None:
    outcome = vifi("improve", "red", "@green", "-o", tmp_path / "run", "--device", "cpu")
    assert outcome.exit_code == 1
    assert "not adopted: your index ranks all held-out marks correctly already" in outcome.stdout
    assert "vifi search @red uses what your marks have taught" in outcome.stdout


def test_a_decision_is_explained(vifi: Vifi, taught: None, tmp_path: Path) -> None:
    options = ("--method", "finetune", "--max-loss", 1, *recipe("epochs=1"))
    outcome = vifi("improve", HARD, "-o", tmp_path / "run", "--device", "cpu", *options)
    assert outcome.exit_code == 1, outcome.stderr
    header, present, tuned, *facts = outcome.stdout.splitlines()
    assert header.split()[:4] == ["Model", "Words", "Marks", "Gain"]
    assert "Other concepts" in header
    assert present.startswith("present (")
    assert tuned.startswith("tuned\t")
    named = dict(line.split(maxsplit=1) for line in facts)
    assert named["Decision"].startswith("not adopted: ")
    assert named["Helps"] == "marks of more videos, above all for @odd"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mauve",), "no concept is called @mauve"),
        (("--max-loss", "2"), "--max-loss 2 is not a share"),
        (("--group-by", "^(x)"), "finds no group in"),
    ],
)
def test_what_cannot_be_improved_is_refused(
    vifi: Vifi, taught: None, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    outcome = vifi("improve", "-o", tmp_path / "run", *arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert message in outcome.stderr
    assert not (tmp_path / "run").exists()
