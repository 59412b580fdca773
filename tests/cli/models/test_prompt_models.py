"""Prompt models in the commands: an index stays valid under text prompts, and vision prompts say what they need."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.model.conftest import make_tiny_clip
from tests.model.published import openai_clip, save_published
from tests.model.storage.test_prompt_folder import BOTH, TEXT_ONLY, write_prompted
from tests.model.storage.test_published_prompts import SHAPES, prompted_weights
from vifi_cli.model.registry.card import PromptShape
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_tiny_clip(tmp_path / "base")


def hits(vifi: Vifi, *options: object) -> dict[str, object]:
    outcome = vifi("search", "a cat", "--json", "--min-score", 0, *options)
    assert outcome.exit_code == 0, outcome.stderr
    document: dict[str, object] = json.loads(outcome.stdout)
    return document


def test_text_prompts_search_the_index_of_their_base(
    vifi: Vifi, base: Path, tmp_path: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vifi("index", clips, "--model", base).exit_code == 0
    prompts = write_prompted(tmp_path / "prompts", str(base), TEXT_ONLY)
    plain, prompted = hits(vifi), hits(vifi, "--model", prompts)
    assert (plain["model"], prompted["model"]) == (str(base), str(prompts))
    assert plain["hits"] != prompted["hits"]
    assert hits(vifi, "--model", prompts) == prompted, "the second time from the cache of queries"
    assert hits(vifi) == plain

    outcome = vifi("index", clips, "--model", prompts)
    assert outcome.exit_code == 2
    assert f"search with `vifi search --model {prompts}`" in outcome.stderr

    monkeypatch.setenv("VIFI_MODEL", str(prompts))
    assert hits(vifi) == prompted
    assert hits(vifi, "--model", base) == plain, "a flag wins over a setting"
    assert "reads the words of queries" in vifi("status").stderr
    outcome = vifi("index", clips)
    assert outcome.exit_code == 0, outcome.stderr


def test_vision_prompts_need_an_index_of_their_own(
    vifi: Vifi, base: Path, tmp_path: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vifi("index", clips, "--model", base).exit_code == 0
    prompts = write_prompted(tmp_path / "prompts", str(base), BOTH)
    for command in (("search", "a cat"), ("index", clips)):
        outcome = vifi(*command, "--model", prompts)
        assert outcome.exit_code == 2
        assert "encodes images differently" in outcome.stderr
        assert f"`vifi index --rebuild --model {prompts}`" in outcome.stderr
    monkeypatch.setenv("VIFI_MODEL", str(prompts))
    assert hits(vifi)["model"] == str(base), "a setting that does not fit prevents no search"
    waits = (
        f"the index keeps {base}: `vifi index --rebuild` changes it to {prompts}, the model of your settings"
    )
    for command in (("index", clips), ("status",)):
        outcome = vifi(*command)
        assert (outcome.exit_code, waits in outcome.stderr) == (0, True), outcome.stderr
    rebuilt = vifi("index", clips, "--rebuild")
    assert f"model: {prompts} (set by VIFI_MODEL)" in rebuilt.stderr
    monkeypatch.delenv("VIFI_MODEL")
    assert hits(vifi)["model"] == str(prompts)


def test_a_model_of_which_the_text_tower_was_tuned_searches_too(
    vifi: Vifi, base: Path, tmp_path: Path, clips: Path
) -> None:
    assert vifi("index", clips, "--model", base).exit_code == 0
    model = load_vifi_clip(resolve_model(str(base)))
    for parameter in model.network.text.parameters():
        parameter.data += 0.1
    write_model_folder(tmp_path / "tuned", model.network, replace(model.card, tuned=("text",)))
    assert hits(vifi, "--model", tmp_path / "tuned")["model"] == str(tmp_path / "tuned")


def test_prompts_for_the_starter_search_at_once(vifi: Vifi, indexed: Path, tmp_path: Path) -> None:
    prompts = write_prompted(tmp_path / "prompts", "starter", PromptShape(4, 2))
    assert hits(vifi, "--model", prompts)["model"] == str(prompts)
    assert hits(vifi)["model"] == "starter"


def test_import_and_show(vifi: Vifi, tmp_path: Path) -> None:
    base = openai_clip(tmp_path / "base.safetensors")
    checkpoint = save_published(tmp_path / "ckpt.pth", prompted_weights(base, SHAPES[1]))
    folder = tmp_path / "model"
    outcome = vifi("model", "import", checkpoint, "--output", folder, "--base", base)
    assert outcome.exit_code == 0, outcome.stderr
    facts = dict(line.split("\t") for line in outcome.stdout.splitlines())
    assert facts["Learned prompts"] == "2 before each name in 2 layers; 16 after the patches in 2 layers"
    assert facts["Learned for"].startswith("base (image tower ")
    assert facts["Class text"] == "{}."

    shown = json.loads(vifi("model", "show", folder, "--json").stdout)
    assert shown["prompts"] == {"text_context": 2, "text_depth": 2, "image_context": 16, "image_depth": 2}
    assert shown["base"]["model"] == "base"
    assert shown["model"] == str(folder)
    inside = json.loads(vifi("model", "show", folder / "base", "--json").stdout)
    assert inside["prompts"] is False
    assert inside["vision_fingerprint"] == shown["base"]["image"]

    outcome = vifi("model", "export", folder, "--output", tmp_path / "exported")
    assert outcome.exit_code == 2
    assert "no place for learned prompts" in outcome.stderr
    assert not (tmp_path / "exported").exists()
