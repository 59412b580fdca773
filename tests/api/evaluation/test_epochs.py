"""Which epoch of a run is tested: the best one, or the last one as the published protocol does in some settings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.model.conftest import make_tiny_clip
from vifi_cli.api.evaluation.epochs import as_published, epoch_in_words
from vifi_cli.api.feedback import Logged
from vifi_cli.data.paper_setting import Setting
from vifi_cli.model.registry.card import read_card
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder


class Notes(Logged):
    """Keeps notes."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        self.said.append(message)


MakeRun = Callable[..., RunFolder]


@pytest.fixture
def run_of_epochs(tmp_path: Path) -> MakeRun:
    """Makes a run of 11 epochs as it is left behind, its best and its last model of these epochs."""
    model = load_vifi_clip(resolve_model(str(make_tiny_clip(tmp_path / "tiny"))))

    def make(best: int, last: int = 11) -> RunFolder:
        run = RunFolder(tmp_path / "run")
        recipe = make_recipe("small", changes=["epochs=11"])
        run.begin(RunConfig(str(tmp_path / "tiny"), "clips", "", "base2novel", "paper", recipe))
        for folder, epoch in ((run.best, best), (run.last, last)):
            card = replace(model.card, tuned=("image",), origin={"epoch": str(epoch), "val_top1": "0.5"})
            write_model_folder(folder, model.network, card)
        return run

    return make


@pytest.mark.parametrize(
    ("setting", "tested"),
    [("base2novel", "last"), ("supervised", "last"), ("few-shot-4", "best"), ("zero-shot", "best")],
)
def test_the_published_protocol_tests_the_last_epoch_in_two_settings(
    run_of_epochs: MakeRun, setting: str, tested: str
) -> None:
    """docs/TRAIN.md: ckpt_epoch_10 of 11; main.py: several views after the last epoch, otherwise best.pth."""
    run, notes = run_of_epochs(best=7), Notes()
    chosen = as_published([str(run.best)], Setting.parse(setting), notes, is_named=False)
    assert chosen == (str(run.path / tested),)
    assert notes.said == []


def test_a_model_that_was_named_is_tested_as_it_is(run_of_epochs: MakeRun) -> None:
    run, notes = run_of_epochs(best=7), Notes()
    named = [str(run.best), str(run.path.parent / "tiny")]
    assert as_published(named, Setting("base2novel"), notes, is_named=True) == tuple(named)
    assert notes.said == [
        f"{run.best} is epoch 7 of 11, best top-1 on val; the published protocol tests the last: {run.last}"
    ]


def test_a_best_model_of_the_last_epoch_is_the_last(run_of_epochs: MakeRun) -> None:
    run, notes = run_of_epochs(best=11), Notes()
    for is_named in (True, False):
        assert as_published([str(run.best)], Setting("supervised"), notes, is_named=is_named) == (
            str(run.best),
        )
    assert notes.said == []


def test_the_report_says_which_epoch_it_is(run_of_epochs: MakeRun) -> None:
    run = run_of_epochs(best=7, last=9)
    words = [epoch_in_words(str(folder), read_card(folder)) for folder in (run.best, run.last)]
    assert words == ["epoch 7 of 11, best top-1 on val", "epoch 9 of 11"]
    assert epoch_in_words("starter", None) == ""
