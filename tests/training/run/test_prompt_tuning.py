"""Learning prompts: what moves, what is computed once, and that runs go on exactly."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.conftest import MakeRun, check_that_a_stop_changes_nothing
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing import predicting
from vifi_cli.model.registry.card import read_card
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.training.engine import frozen_towers
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.recipe.changes import PROMPT_PRESETS, changes_of_stage, make_recipe
from vifi_cli.training.recipe.prompt_recipe import PromptRoom, make_prompt_recipe
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.folder import RunConfig
from vifi_cli.training.run.model import check_class_texts, load_training_model, prompt_room
from vifi_cli.training.run.reports import EpochReport, RunResult

SHAPE = {
    "text": ("prompts.text_context=2", "prompts.text_depth=2"),
    "image": ("prompts.image_context=3", "prompts.image_depth=2"),
}
BOTH = ("template={}.", *SHAPE["text"], *SHAPE["image"])
TEXT = ("tune=text", "template={}.", *SHAPE["text"], "random_frames=false", "augmentation.multi_scale_crop=0",
        "augmentation.flip=0")  # fmt: skip
IMAGE = ("tune=image", "template={}.", *SHAPE["image"])


def prompts(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "prompts.safetensors")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [(TEXT, {"text"}), (IMAGE, {"visual"}), (BOTH, {"text", "visual"})],
)
def test_prompts_move_and_the_model_does_not(
    make_run: MakeRun, tmp_path: Path, changes: tuple[str, ...], expected: set[str]
) -> None:
    run = make_run(tmp_path / "run", "epochs=2", *changes)
    before = {name: tensor.clone() for name, tensor in run._learner.network.state_dict().items()}
    *_, result = run.reports()
    assert isinstance(result, RunResult)
    after = run._learner.network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(run._learner.tuned)
    assert {name.partition(".")[0] for name in moved} == expected
    assert {name.partition(".")[0] for name in prompts(tmp_path / "run" / "best")} == expected


def test_what_comes_out_is_a_small_model_that_names_its_base(
    make_run: MakeRun, tmp_path: Path, tiny_model: Path
) -> None:
    list(make_run(tmp_path / "run", "epochs=1", *BOTH).reports())
    best = tmp_path / "run" / "best"
    card = read_card(best)
    assert card.base
    assert card.base.model == str(tiny_model)
    assert card.class_names == ("red", "green", "blue")
    assert card.class_text("red") == "red."
    assert sum(path.stat().st_size for path in best.iterdir()) < 20_000
    assert (tmp_path / "run" / "training_state.safetensors").stat().st_size < 20_000
    assert load_vifi_clip(resolve_model(str(best))).card == card


def test_prompts_learn_colours(make_run: MakeRun, tmp_path: Path) -> None:
    changes = (*BOTH, "epochs=20", "learning_rate=0.05", "augmentation.multi_scale_crop=0")
    reports = list(make_run(tmp_path / "run", *changes).reports())
    steps = [report.loss for report in reports if isinstance(report, StepReport)]
    assert sum(steps[-3:]) < 0.7 * sum(steps[:3])


@pytest.mark.parametrize("changes", [TEXT, BOTH, (*BOTH, "ema_decay=0.5")])
def test_one_and_one_epoch_are_two_to_the_bit(
    make_run: MakeRun, tmp_path: Path, changes: tuple[str, ...]
) -> None:
    check_that_a_stop_changes_nothing(make_run, tmp_path, "prompts.safetensors", changes)


def test_videos_go_through_a_frozen_image_tower_once(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colours: LabeledVideos
) -> None:
    run, seen = make_run(tmp_path / "run", *TEXT), []
    run._learner.network.visual.register_forward_hook(lambda *_: seen.append(1))
    run._config = replace(run._config, recipe=replace(run._config.recipe))
    list(run.reports())
    # the base is scored by a network of its own, whose embeddings of the test videos are then kept
    assert len(seen) <= len(colours.train)


def test_kept_embeddings_say_what_the_tower_says(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", *TEXT, "epochs=1")
    validation, learner = run._validation, run._learner
    videos = run._data.test
    clips = predicting.TestClips(videos, validation.clips.store, 2, run._size, batch=2)
    classes, numbers = learner.embed_classes(), range(len(videos))
    kept = frozen_towers.embed_once(learner.network, clips, numbers, run._enter)
    direct = predicting.predict(learner.network, classes, replace(clips, batch=4), numbers, run._enter)
    assert kept.predict(learner.network, classes).probabilities == pytest.approx(
        direct.probabilities, abs=1e-6
    )


def test_before_is_the_model_without_prompts(make_run: MakeRun, tmp_path: Path) -> None:
    template = "template=a photo of a {}."
    list(make_run(tmp_path / "tuned", "epochs=8", "learning_rate=3e-3", template).reports())
    tuned = tmp_path / "tuned" / "best"
    plain = next(iter(make_run(tmp_path / "plain", template, model=tuned).reports()))
    run = make_run(tmp_path / "prompted", *BOTH, "prompts.text_context=9", model=tuned)
    with torch.no_grad():
        for prompt in run._learner.tuned.values():
            prompt.fill_(torch.nan)
    prompted = next(iter(run.reports()))
    assert isinstance(plain, EpochReport)
    assert isinstance(prompted, EpochReport)
    assert plain.scores == prompted.scores
    assert plain.scores
    assert plain.scores.top1 == 1
    spoiled = run._validation.score(run._learner.network, run._learner.embed_classes())
    assert spoiled
    assert spoiled.top1 < 1  # all are taken for the first class


def test_a_prompt_model_is_no_start(make_run: MakeRun, tmp_path: Path, tiny_model: Path) -> None:
    list(make_run(tmp_path / "run", "epochs=1", *TEXT).reports())
    best = tmp_path / "run" / "best"
    for changes in ((), TEXT):
        with pytest.raises(InvalidInput, match=f"is a prompt model.*name its base, {tiny_model}"):
            make_run(tmp_path / "again", *changes, model=best)
        (tmp_path / "again" / "config.toml").unlink()


def test_a_run_refuses_to_go_on_with_another_base(make_run: MakeRun, tmp_path: Path) -> None:
    from tests.model.conftest import make_tiny_clip

    base = make_tiny_clip(tmp_path / "base")
    asked = itertools.count()
    stopped = make_run(tmp_path / "run", *TEXT, model=base, should_stop=lambda: next(asked) == 6)
    list(stopped.reports())
    make_tiny_clip(tmp_path / "base", seed=7)
    changed = make_run(tmp_path / "run", *TEXT, model=base, begin=False)
    with pytest.raises(InvalidInput, match="has changed since this run began"):
        list(changed.reports(is_resumed=True))


@pytest.mark.parametrize(
    ("preset", "shape", "schedule"),
    # context and depth, the same on both sides; frames, epochs, learning rate, clips a step: as published
    [("prompt-base2novel", (16, 9), (32, 11, 4e-2, 64)), ("prompt-few-shot", (10, 12), (32, 50, 8e-3, 64))],
)
def test_the_papers_prompts(preset: str, shape: tuple[int, int], schedule: tuple[float, ...]) -> None:
    recipe = make_recipe(preset, protocol="paper")
    prompts = recipe.prompts
    assert (prompts.text_context, prompts.text_depth) == shape
    assert (prompts.image_context, prompts.image_depth) == shape
    assert (recipe.frames, recipe.epochs, recipe.learning_rate, recipe.effective_batch) == schedule
    assert (recipe.weight_decay, recipe.warmup_epochs, recipe.template) == (0.001, 5, "{}.")
    assert (recipe.mixing.mixup, recipe.mixing.cutmix, recipe.mixing.label_smoothing) == (0.8, 1.0, 0.1)


@pytest.mark.parametrize("preset", PROMPT_PRESETS)
def test_prompts_of_one_side_leave_the_other_alone(preset: str) -> None:
    text, image = (make_recipe(preset, tune=side) for side in ("text", "image"))  # type: ignore[arg-type]
    assert text.prompts.text_context
    assert not text.prompts.image_context
    assert text.embeds_clips_once()
    assert image.prompts.image_context
    assert not image.prompts.text_context


ROOM = PromptRoom(text=4, image=3, most_text=13)
CONVOLUTIONS = PromptRoom(text=4, image=0, most_text=13, why_no_image="the image tower takes no prompts")


def test_presets_go_no_deeper_than_the_towers() -> None:
    said: list[str] = []
    recipe = make_prompt_recipe("prompt-few-shot", ROOM, say=said.append)
    assert (recipe.prompts.text_depth, recipe.prompts.image_depth) == (4, 3)
    assert said == [
        "the text tower has 4 layers, so prompts go 4 layers deep, not 12",
        "the image tower has 3 layers, so prompts go 3 layers deep, not 12",
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_up_to_four_prompts_begin_as_words_and_the_text_keeps_the_others(
    tiny_model: Path, colours: LabeledVideos, count: int
) -> None:
    """As in trainers/vificlip.py: before training, the class texts are those of `a photo of a {}.`"""
    recipe = _paper_recipe(tiny_model, f"prompts.text_context={count}", "prompts.text_depth=1")
    assert recipe.template == " ".join(["a", "photo", "of", "a", "{}."][count:])
    config = RunConfig(str(tiny_model), "colours", "", "base2novel", "paper", recipe)
    network, class_texts, card = load_training_model(config, colours, torch.device("cpu"))
    plain = load_vifi_clip(resolve_model(str(tiny_model)))
    texts = plain.tokenizer([f"a photo of a {name}." for name in colours.class_names])
    with torch.inference_mode():
        torch.testing.assert_close(
            network.encode_classes(class_texts.tokens), plain.network.encode_classes(texts)
        )
    assert len(network.text.prompts[0]) == count  # type: ignore[index, arg-type]
    assert card.preprocessing.mean == (0.485, 0.456, 0.406)


def test_more_prompts_than_four_begin_at_random(tiny_model: Path) -> None:
    for recipe in (
        _paper_recipe(tiny_model, "prompts.text_context=5", "prompts.text_depth=1"),
        make_prompt_recipe("prompt-small", ROOM, changes=["prompts.text_context=4"]),
    ):
        assert (recipe.context_words, recipe.template) == ("", "{}.")


def test_words_are_for_few_prompts_and_as_many_as_these() -> None:
    said: list[str] = []
    words = "context_words=a clip of"
    assert not make_prompt_recipe("prompt-small", ROOM, changes=[words], say=said.append).context_words
    assert said[0] == "8 text prompts begin at random: context_words is for 4 at most"
    with pytest.raises(InvalidInput, match="too short for 4 text prompts: give 4 words or more, or set"):
        make_prompt_recipe("prompt-small", ROOM, changes=[words, "prompts.text_context=4"])
    recipe = make_prompt_recipe("prompt-small", ROOM, changes=[words, "prompts.text_context=2"])
    assert (recipe.context_words, recipe.template) == ("a clip of", "of {}.")


def test_words_of_several_tokens_begin_no_prompts(tiny_model: Path, colours: LabeledVideos) -> None:
    recipe = _paper_recipe(
        tiny_model,
        "prompts.text_context=2",
        "prompts.text_depth=1",
        "context_words=skateboarding xylophonists",
    )
    config = RunConfig(str(tiny_model), "colours", "", "base2novel", "paper", recipe)
    with pytest.raises(InvalidInput, match="'skateboarding xylophonists' is not 2 tokens of this model"):
        load_training_model(config, colours, torch.device("cpu"))


def _paper_recipe(model: Path, *changes: str) -> Recipe:
    depth = "prompts.image_depth=1"
    return make_prompt_recipe(
        "prompt-base2novel", prompt_room(str(model)), protocol="paper", changes=[depth, *changes]
    )


def test_text_alone_is_prompted_where_the_image_tower_takes_none() -> None:
    said: list[str] = []
    assert make_prompt_recipe("prompt-small", CONVOLUTIONS, say=said.append).tune == "text"
    assert "only the text tower gets prompts" in said[0]
    with pytest.raises(InvalidInput, match="--side both: the image tower takes no prompts"):
        make_prompt_recipe("prompt-small", CONVOLUTIONS, tune="both")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["prompts.text_depth=9"], "text_depth = 9, but the text tower has 4 layers"),
        ([{"prompts": {"image_depth": 6}}], "image_depth = 6, but the image tower has 3 layers"),
        (["prompts.text_context=14"], "leaves no room for a name: at most 13"),
        (["prompts.text_depth=0"], "recipe: prompts: 8 text prompts in 0 layers"),
        (["prompts.image_context=0"], "0 image prompts in 6 layers"),
        (["prompts.text_context=-1"], "counted from 0 on"),
        (["prompts.text=1"], "there is no key prompts.text;"),
        (["prompts={}", "prompts.depth=2"], "prompts is a table|no key"),
        (
            ["tune=text", "prompts.image_context=4", "prompts.image_depth=1"],
            "tune = text excludes image prompts",
        ),
    ],
)
def test_prompts_that_make_no_sense_are_named(changes: list[str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_prompt_recipe("prompt-small", ROOM, changes=changes)


def test_no_prompts_at_all_are_nothing_to_learn() -> None:
    none = [f"prompts.{side}_{what}=0" for side in ("text", "image") for what in ("context", "depth")]
    with pytest.raises(InvalidInput, match="no prompts to learn"):
        make_prompt_recipe("prompt-small", ROOM, changes=none)


def test_the_room_of_a_model(tiny_model: Path) -> None:
    assert prompt_room(str(tiny_model)) == PromptRoom(text=2, image=2, most_text=13)


def test_changes_of_two_stages_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "two.toml"
    file.write_text(
        "frames = 4\n[finetune]\nepochs = 3\n[prompt]\nepochs = 5\n[prompt.prompts]\ntext_depth = 2\n"
    )
    changes = (str(file), "prompt.learning_rate=1e-2", "seed=3", "base2novel", "prompt-base2novel")
    first = make_recipe("small", changes=changes_of_stage(changes, "finetune"))
    second = make_recipe("prompt-small", changes=changes_of_stage(changes, "prompt"))
    # what the file and the values do not name comes from the presets, though these stand behind them
    assert (first.frames, first.epochs, first.seed, first.learning_rate) == (4, 3, 3, 2e-6)
    assert first.effective_batch == 64
    assert not first.prompts
    assert (second.frames, second.epochs, second.learning_rate) == (4, 5, 1e-2)
    assert (second.prompts.text_context, second.prompts.text_depth, second.prompts.image_depth) == (16, 2, 9)
    with pytest.raises(InvalidInput, match="recipe: prompt is a table, not 3"):
        changes_of_stage(("prompt=3",), "prompt")


def test_prompts_that_displace_what_names_differ_in_are_refused(
    tiny_model: Path, colours: LabeledVideos
) -> None:
    named = replace(colours, class_names=tuple(f"dark {name}" for name in colours.class_names))
    # 16 tokens: the start, the prompts, one token of the name or two, and the end
    said: list[str] = []
    load_training_model(_with_prompts(tiny_model, 12), named, torch.device("cpu"), said.append)
    load_training_model(_with_prompts(tiny_model, 13), colours, torch.device("cpu"), said.append)
    assert not said, "names of two tokens fit behind 12, of one token behind 13"
    lone = replace(
        named, class_names=("light red", *named.class_names[1:2], *"xyzw"[: len(named.class_names) - 2])
    )
    load_training_model(_with_prompts(tiny_model, 13), lone, torch.device("cpu"), said.append)
    assert (
        f"no room behind its learned prompts for all of 'light red', {named.class_names[1]!r}, whose ends"
        in said[0]
    )
    for check in (check_class_texts, _load):
        with pytest.raises(InvalidInput, match=r"'dark \w+' from 'dark \w+' \(its learned prompts displace"):
            check(_with_prompts(tiny_model, 13), named)


def _with_prompts(model: Path, count: int) -> RunConfig:
    changes = ["template={}", f"prompts.text_context={count}", "prompts.text_depth=1"]
    recipe = make_recipe("supervised", changes=changes)
    return RunConfig(str(model), "colours", "", "supervised", "default", recipe)


def test_classes_that_are_the_same_to_the_text_tower_are_not_trained(
    tiny_model: Path, colours: LabeledVideos
) -> None:
    config = RunConfig(str(tiny_model), "colours", "", "supervised", "default", make_recipe("supervised"))
    names = ("Stand up", "STAND UP", *colours.class_names[2:])
    with pytest.raises(
        InvalidInput, match=r"cannot tell 'Stand up' from 'STAND UP' .*: rename one, or join them"
    ):
        _load(config, replace(colours, class_names=names))


def _load(config: RunConfig, data: LabeledVideos) -> None:
    load_training_model(config, data, torch.device("cpu"))
