"""One rule for the model of every command: named, set, the index's own, default."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from tests.color_encoder import ColorEncoder
from tests.model.conftest import make_tiny_clip
from tests.model.storage.test_prompt_folder import TEXT_ONLY, write_prompted
from vifi_cli import paths
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.models.choosing import (
    ChosenModel,
    choose_for_new_index,
    choose_for_rebuild,
    choose_model,
    choose_start_of_training,
)
from vifi_cli.api.models.video_model import load_model
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.paths import config_file
from vifi_cli.video.decode.frame_sampling import FrameSampling

INDEXED = replace(indexed_with(ColorEncoder(), FrameSampling()), model="starter")


def make_index(model: str) -> None:
    Catalog.create(paths.index_folder() / CATALOG_FILE, replace(INDEXED, model=model)).close()


@pytest.fixture
def no_question_to_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> bool:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("vifi_cli.model.registry.hub.hub_reachable", asked)


def test_the_order_is_named_set_indexed_default(
    no_question_to_the_hub: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose_model(None).name == "clip-vit-b-16"
    assert (
        choose_model(None).reason
        == "the default, 598 MB to download once; `--model starter` needs no download"
    )
    make_index("siglip2-b-16")
    assert choose_model(None) == ChosenModel("siglip2-b-16", "the encoder of your index")
    config_file().write_text('model = "clip-vit-l-14"\n')
    assert choose_model(None) == ChosenModel("clip-vit-l-14", f"set in {config_file()}")
    monkeypatch.setenv("VIFI_MODEL", "starter")
    assert choose_model(None) == ChosenModel("starter", "set by VIFI_MODEL")
    assert choose_model("clip-rn50") == ChosenModel("clip-rn50")


def test_an_index_is_made_and_made_again_by_the_same_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_for_new_index(None).name == "starter"  # no hub in tests
    assert choose_for_rebuild(None, "starter") == ChosenModel("starter")
    monkeypatch.setenv("VIFI_MODEL", "clip-rn50")
    for chosen in (choose_for_new_index(None), choose_for_rebuild(None, "starter")):
        assert chosen == ChosenModel("clip-rn50", "set by VIFI_MODEL")


def test_a_choice_is_noted_and_a_named_model_is_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ChosenModel("starter").fetch(AUTOMATIC)
    assert caplog.messages == []
    make_index("starter")
    choose_model(None).fetch(AUTOMATIC)
    assert caplog.messages == ["model: starter (the encoder of your index)"]


def test_an_error_says_who_has_chosen_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIFI_MODEL", str(tmp_path / "gone"))
    with pytest.raises(
        InvalidInput, match=r"no model at .*gone \(set by VIFI_MODEL; `--model` names another\)"
    ):
        load_model(device="cpu")
    with pytest.raises(InvalidInput, match=r"no model at .*other$"):
        load_model(tmp_path / "other", device="cpu")


def test_without_hub_the_default_is_missing_with_the_way_out() -> None:
    with pytest.raises(
        ModelUnavailable,
        match="to fetch clip-vit-b-16: connect, or use `--model starter`, which needs no download",
    ):
        load_model(device="cpu")


def trained(folder: Path, base: str) -> Path:
    """A model folder as a run of fine-tuning leaves it."""
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.storage.loading import load_vifi_clip
    from vifi_cli.model.storage.writing import write_model_folder

    loaded = load_vifi_clip(resolve_model(base))
    write_model_folder(folder, loaded.network, replace(loaded.card, tuned=("image",), origin={"base": base}))
    return folder


def test_training_starts_from_what_the_index_was_trained_from(tmp_path: Path) -> None:
    tiny = make_tiny_clip(tmp_path / "tiny")
    first = trained(tmp_path / "first", str(tiny))
    second = trained(tmp_path / "second", str(first))
    make_index(str(second))
    start = choose_start_of_training(None)
    assert start.name == str(tiny)
    assert start.reason == f"{second} was trained from it, and is the encoder of your index"
    assert choose_start_of_training(second) == ChosenModel(str(second))
    assert choose_start_of_training(None, of_prompts=True).name == str(second), (
        "the prompts fit the index then"
    )


def test_prompts_are_not_learned_for_prompts(tmp_path: Path) -> None:
    tiny = make_tiny_clip(tmp_path / "tiny")
    prompts = write_prompted(tmp_path / "prompts", str(tiny), TEXT_ONLY)
    make_index(str(prompts))
    assert choose_start_of_training(None, of_prompts=True).name == str(tiny)
