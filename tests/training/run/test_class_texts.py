"""Runs that learn from texts of the user's: what they learn by, what the model remembers, and how they go on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.conftest import MakeRun, losses, reports_of
from tests.training.run.test_finetune import same_weights
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.class_texts import embed_class_names
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunFolder
from vifi_cli.training.run.model import slow_texts

TEXTS = ClassTexts(
    "colours.json",
    ("a clip of {}",),
    {"Red": ("fire", "a ripe tomato"), "green": ("grass",), "BLUE": ("the sky",), "pink": ("a flamingo",)},
)


def test_a_model_remembers_the_texts_that_it_learned_by(
    make_run: MakeRun, tiny_model: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", "epochs=2", texts=TEXTS)
    read = ["a clip of red", "fire", "a ripe tomato", "a clip of green", "grass", "a clip of blue", "the sky"]
    tokens = load_vifi_clip(resolve_model(str(tiny_model))).tokenizer(read)
    assert torch.equal(run._learner._texts.tokens, tokens)
    assert run._learner._texts.counts == (3, 2, 2)
    list(run.reports())
    trained = load_vifi_clip(resolve_model(str(tmp_path / "run" / "last")))
    assert trained.card.texts == TEXTS
    assert trained.card.texts.name == "colours.json"
    # the last validation and every later test of the model embed the classes alike, in whatever spelling
    embedded = run._learner.embed_classes()
    torch.testing.assert_close(embed_class_names(trained, ["red", "Green", "blue"]), embedded)
    plain = replace(trained, card=replace(trained.card, texts=None))
    assert not torch.allclose(embed_class_names(plain, ["red", "green", "blue"]), embedded, atol=1e-3)


def test_the_start_is_scored_as_a_test_of_it_would(make_run: MakeRun, tmp_path: Path) -> None:
    scores = [
        reports_of(make_run(tmp_path / name, "epochs=1", texts=texts))[1][0].scores
        for name, texts in (("names", None), ("texts", TEXTS))
    ]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("tune", ["both", "image"])
def test_a_run_that_draws_texts_goes_on_to_the_bit_by_its_own_copy(
    make_run: MakeRun, tmp_path: Path, tune: str
) -> None:
    changes = "epochs=2", "texts_per_step=1", f"tune={tune}"
    list(make_run(tmp_path / "whole", *changes, texts=TEXTS).reports())
    steps = 0
    for report in make_run(tmp_path / "halves", *changes, "runtime.save_minutes=0", texts=TEXTS).reports():
        steps += isinstance(report, StepReport)
        if steps == 4:
            break
    copy = RunFolder(tmp_path / "halves").read_config().texts
    assert copy == TEXTS
    list(make_run(tmp_path / "halves", *changes, begin=False, texts=copy).reports(is_resumed=True))
    assert same_weights(tmp_path / "whole" / "last", tmp_path / "halves" / "last")
    assert losses(tmp_path / "whole") == losses(tmp_path / "halves")
    list(make_run(tmp_path / "mean", "epochs=1", f"tune={tune}", texts=TEXTS).reports())
    of_mean = losses(tmp_path / "mean")
    assert losses(tmp_path / "whole")[: len(of_mean)] != of_mean


def test_texts_that_do_not_suit_the_classes(make_run: MakeRun, tmp_path: Path) -> None:
    some = ClassTexts("some.json", (), {"red": ("fire",), "green": ("grass",), "sky": ("blue",)})
    with pytest.raises(
        InvalidInput, match=r"some.json describes no class 'blue' \(1 of 3 .*'sky' is none of"
    ):
        make_run(tmp_path / "some", texts=some)
    alike = ClassTexts("alike.json", (), {"red": ("Fire",), "green": ("grass",), "blue": (" fire ",)})
    with pytest.raises(InvalidInput, match="cannot tell 'red' from 'blue'"):
        make_run(tmp_path / "alike", texts=alike)


def test_a_run_says_which_texts_it_cuts_and_which_it_does_not_learn(
    make_run: MakeRun, tmp_path: Path
) -> None:
    said: list[str] = []
    long = replace(TEXTS, descriptions={**TEXTS.descriptions, "Red": ("fire", "very " * 100 + "hot")})
    make_run(tmp_path / "run", texts=long, say=said.append)
    assert "has no room for all of the texts of 'red', whose ends are cut off: shorten them" in said[0]
    assert said[1] == (
        "colours.json describes 1 class that this run does not learn, such as 'pink': "
        "kept in the model for tests of them"
    )


def test_many_texts_in_each_step_are_reported() -> None:
    texts = [["a", "b"]] * 500
    assert slow_texts(make_recipe("small"), texts) == (
        "each step encodes 1,000 class texts; --recipe texts_per_step=1 draws one of each class, in less time"
    )
    assert not slow_texts(make_recipe("small"), texts[1:])
    assert not slow_texts(make_recipe("small"), [["a"]] * 1000), "names alone"
    assert not slow_texts(make_recipe("small", tune="image"), texts), "encoded once"
    assert not slow_texts(make_recipe("small", changes=["texts_per_step=1"]), texts)


def test_a_damaged_copy_of_the_texts_is_reported(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(tmp_path / "run", texts=TEXTS)
    folder, file = RunFolder(tmp_path / "run"), tmp_path / "run" / "class_texts.json"
    assert json.loads(file.read_text())["descriptions"]["Red"] == ["fire", "a ripe tomato"]
    assert 'texts = "colours.json"' in (tmp_path / "run" / "config.toml").read_text()
    file.write_text("{")
    with pytest.raises(InvalidInput, match=r"class_texts\.json, the class texts of this run, is damaged"):
        folder.read_config()
    file.unlink()
    with pytest.raises(InvalidInput, match=r"class_texts\.json, the class texts of this run, is missing"):
        folder.read_config()
