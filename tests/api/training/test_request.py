"""Which recipe a request gets: one rule for fine-tuning and for evaluations that train."""

from pathlib import Path
from typing import Any

import pytest

from vifi_cli.api.evaluation.request import subject_of
from vifi_cli.api.training.request import recipe_of, require_heeded_changes, training_request
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.training.recipe.changes import Change, make_recipe

SETTINGS = ("supervised", "few-shot-2", "base2novel", "zero-shot")


@pytest.mark.parametrize("setting", SETTINGS)
def test_own_data_takes_steps_for_small_data_whatever_the_setting(setting: str) -> None:
    request = training_request("clips", None, "finetune", {"setting": setting})
    assert recipe_of(request) == make_recipe("small")
    paper = training_request("clips", None, "finetune", {"setting": setting, "protocol": "paper"})
    preset = Setting.parse(setting).name
    assert recipe_of(paper) == make_recipe(preset, protocol="paper")
    public = training_request("ucf101", None, "finetune", {"setting": setting})
    assert recipe_of(public) == make_recipe(preset)
    named = training_request(
        "clips", None, "finetune", {"setting": setting, "recipe": ["epochs=3", "few-shot"]}
    )
    assert (recipe_of(named).learning_rate, recipe_of(named).epochs) == (2e-6, 3)


@pytest.mark.parametrize("setting", SETTINGS)
def test_an_evaluation_that_trains_takes_the_same_recipe(setting: str, tmp_path: Path) -> None:
    subject = subject_of(Setting.parse(setting), DataSource(str(tmp_path)), ["starter"])
    trained_on = "k400" if setting == "zero-shot" else str(tmp_path)
    assert subject.recipe == recipe_of(training_request(trained_on, None, "finetune", {"setting": setting}))


def test_a_head_refuses_options_that_it_would_ignore() -> None:
    texts, fusion = {"texts": "short"}, "decision"
    for tune, given, said in (
        ("linear-probe", texts, "--texts short: a linear probe reads no texts"),
        ("linear-probe", {}, "--fusion decision: linear-probe reads the embeddings of its base"),
        ("tip-adapter", {}, "--fusion decision: tip-adapter reads the embeddings of its base"),
    ):
        with pytest.raises(InvalidInput, match=said):
            recipe_of(
                training_request(
                    "clips", None, "finetune", {"tune": tune, **given}, None if given else fusion
                )  # type: ignore[typeddict-item]
            )
    request = training_request(
        "clips", None, "finetune", {"tune": "tip-adapter", "recipe": ["fusion=decision"], "texts": "short"}
    )
    assert recipe_of(request).fusion == "embedding"  # of all methods of an evaluation


@pytest.mark.parametrize("tune", ["linear-probe", "tip-adapter"])
def test_a_head_refuses_changes_of_the_recipe_that_would_do_nothing(tune: Any, tmp_path: Path) -> None:
    def require(tune: Any, *changes: Change) -> None:
        require_heeded_changes(training_request("clips", None, "finetune", {"tune": tune, "recipe": changes}))

    heeded = ("small", "frames=4", "seed=2", "clean_class_names=false", "runtime.workers=0", "lora.rank=0")
    require(tune, *heeded, {"image": {"learning_rate": 1e-3}})
    said = f"recipe: {tune} takes no steps, so %s would do nothing: omit %s$"
    for name in ("patience", "clip_gradients", "layer_decay", "tune_layers"):
        with pytest.raises(InvalidInput, match=said % (name, "it")):
            require(tune, f"{name}=1")
    (tmp_path / "own.toml").write_text(f"tune = '{tune}'\npatience = 3\nruntime.log = 'tensorboard'")
    with pytest.raises(InvalidInput, match=said % ("epochs, patience, runtime.log", "them")):
        require(None, "epochs=3", str(tmp_path / "own.toml"), "epochs=4")
    require("both", "patience=3", "runtime.log=tensorboard")
