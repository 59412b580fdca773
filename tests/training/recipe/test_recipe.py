"""Recipes: what ships, and what a user may change."""

from dataclasses import asdict
from itertools import permutations
from pathlib import Path

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.training.recipe.changes import PRESETS, changes_of_stage, make_recipe, with_changes
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.typed_files import as_dataclass


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("protocol", ["default", "paper"])
def test_a_recipe_survives_being_written_down(preset: str, protocol: str) -> None:
    recipe = make_recipe(preset, protocol=protocol)  # type: ignore[arg-type]
    assert as_dataclass(Recipe, asdict(recipe), "recipe") == recipe


@pytest.mark.parametrize(
    ("preset", "tune", "expected"),
    # frames, epochs, learning rate, clips a step: the published configurations
    [
        ("supervised", "both", (16, 30, 2.2e-5, 512)),
        ("supervised", "image", (16, 30, 8e-6, 256)),
        ("supervised", "text", (16, 30, 8e-6, 256)),
        ("zero-shot", "both", (32, 10, 8e-6, 256)),
        ("zero-shot", "image", (32, 10, 8e-6, 256)),
        ("base2novel", "both", (32, 11, 2e-6, 64)),
        ("few-shot", "both", (32, 50, 2e-6, 64)),
    ],
)
def test_the_papers_recipes(preset: str, tune: str, expected: tuple[float, ...]) -> None:
    recipe = make_recipe(preset, protocol="paper", tune=tune)  # type: ignore[arg-type]
    assert (recipe.frames, recipe.epochs, recipe.learning_rate, recipe.effective_batch) == expected
    assert (recipe.weight_decay, recipe.warmup_epochs) == (0.001, 5)
    assert (recipe.mixing.mixup, recipe.mixing.cutmix, recipe.mixing.label_smoothing) == (0.8, 1.0, 0.1)
    assert recipe.augmentation.flip == 0.5
    # ACCUMULATION_STEPS and SAVE_FREQ
    assert recipe.effective_batch == 8 * 4 * recipe.batches_per_step
    assert recipe.validate_every == (1 if preset in ("supervised", "zero-shot") else 10)


@pytest.mark.parametrize("preset", PRESETS)
def test_what_the_published_code_does_in_every_setting(preset: str) -> None:
    """Rows of the tables in docs/training.md: pixels, names, leftover clips, schedule, weights that are tested."""
    recipe, default = make_recipe(preset, protocol="paper"), make_recipe(preset)
    assert recipe.imagenet_statistics
    assert not recipe.clean_class_names
    assert recipe.drop_incomplete
    assert recipe.warmup_cliff
    assert recipe.select_on_test
    assert recipe.keep_last == (preset in ("supervised", "base2novel", "prompt-base2novel"))
    assert recipe.ema_decay == 0
    assert not default.imagenet_statistics
    assert not default.keep_last
    assert default.context_words == ""


def test_changes_come_after_the_preset_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("epochs = 3\n[mixing]\nmixup = 0\n")
    recipe = make_recipe(
        "small", changes=[str(file), "epochs=4", "augmentation.flip=0", "template=a clip of {}"]
    )
    assert (recipe.epochs, recipe.mixing.mixup, recipe.augmentation.flip) == (4, 0.0, 0.0)
    assert recipe.template == "a clip of {}"
    assert recipe.mixing.cutmix == make_recipe("small").mixing.cutmix


def test_what_is_particular_wins_wherever_it_stands(tmp_path: Path) -> None:
    """A preset or a file after `frames=4` does not take the frames back."""
    file = tmp_path / "mine.toml"
    file.write_text("frames = 16\nepochs = 3\nseed = 5\n")
    changes = ["frames=4", {"epochs": 2}, str(file), "small", "frames=6"]
    for order in permutations(changes[1:]):
        recipe = make_recipe("few-shot", changes=["frames=4", *order])
        assert (recipe.frames, recipe.epochs, recipe.seed) == (6, 2, 5)
        assert (recipe.learning_rate, recipe.effective_batch) == (1e-4, 8), "small's"
    assert with_changes(make_recipe("small"), ["epochs=2", str(file)]).epochs == 2


def test_what_is_for_one_stage_wins_over_what_is_for_both(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text("epochs = 7\nseed = 5\n[prompt]\nseed = 6\nframes = 2\n")
    for changes in (["prompt.epochs=3", "epochs=9", str(file)], [str(file), "epochs=9", "prompt.epochs=3"]):
        first = make_recipe("small", changes=changes_of_stage(changes, "finetune"))
        second = make_recipe("prompt-small", changes=changes_of_stage(changes, "prompt"))
        assert (first.epochs, first.seed, first.frames) == (9, 5, 8)
        assert (second.epochs, second.seed, second.frames) == (3, 6, 2)


def test_a_preset_among_the_changes_replaces_that_of_the_setting() -> None:
    for preset in ("small", "few-shot"):
        assert make_recipe("few-shot", changes=[preset]) == make_recipe(preset)
    assert make_recipe("supervised", changes=["small", "few-shot"]) == make_recipe("few-shot"), "no mixture"
    assert make_recipe("small", protocol="paper", changes=["base2novel"]).keep_last


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epoch=3", "there is no key epoch"),
        ("mixing.mixupp=3", "there is no key mixing.mixupp"),
        ("epochs=many", "epochs should be a valid integer"),
        ("epochs=0", "epochs must be above 0"),
        ("tune=head", "tune should be 'both', 'image', 'text', 'linear-probe' or 'tip-adapter'"),
        ("mixing=1", "mixing should be a table"),
        ("template=a photo", "template needs {}"),
        ("nothing.toml", "the recipe file nothing.toml does not exist"),
        ("tiny", "not a recipe"),
        ("ema_decay=1.5", "ema_decay must be from 0 to below 1"),
        ("runtime.workers=-2", "runtime.workers must be -1 or more, not -2"),
        ("runtime.micro_batch=-3", "runtime.micro_batch must be 0 or more, not -3"),
        ("runtime.save_minutes=-0.5", "runtime.save_minutes must be 0 or more, not -0.5"),
        ("runtime.clip_cache_gb=-1", "runtime.clip_cache_gb must be 0 or more, not -1"),
    ],
)
def test_a_change_that_makes_no_sense_is_named(change: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_recipe("small", changes=[change])


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("epochs = = 3")
    with pytest.raises(InvalidInput, match=r"broken\.toml is not TOML"):
        make_recipe("small", changes=[str(file)])
