"""A SiglipModel as transformers saves it gives the embeddings, logits and tokens of transformers."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.small_transformers import CONTEXT, save_siglip, transformers
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder
from vifi_cli.model.towers.vifi_clip import unit_length

TEXTS = ["two people dance in the rain", "a person", "", "wave jump " * 20]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("siglip") / "model"
    return folder, save_siglip(folder)


def load(folder: Path) -> LoadedModel:
    return load_vifi_clip(resolve_model(str(folder)))


@torch.inference_mode()
def test_embeddings_and_logits_are_those_of_transformers(made: tuple[Path, Any]) -> None:
    folder, model = made
    loaded = load(folder)
    images, tokens = torch.rand(3, 3, 32, 32), loaded.tokenizer(TEXTS)
    theirs = model(input_ids=tokens, pixel_values=images)
    vision, text = loaded.network.visual(images), loaded.network.text(tokens)
    vision_there = model.get_image_features(pixel_values=images).pooler_output
    assert vision_there.std() > 0.1
    torch.testing.assert_close(vision, vision_there, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        text, model.get_text_features(input_ids=tokens).pooler_output, atol=1e-5, rtol=0
    )
    assert loaded.network.logit_bias is not None
    logits = (
        loaded.network.logit_scale.exp() * unit_length(vision) @ unit_length(text).T
        + loaded.network.logit_bias
    )
    torch.testing.assert_close(logits, theirs.logits_per_image, atol=1e-5, rtol=0)


def test_tokens_are_those_of_its_tokenizer_wherever_it_pads(made: tuple[Path, Any], tmp_path: Path) -> None:
    left = shutil.copytree(made[0], tmp_path / "left")
    settings = json.loads((left / "tokenizer_config.json").read_text())
    (left / "tokenizer_config.json").write_text(json.dumps({**settings, "padding_side": "left"}))
    for folder in (made[0], left):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        theirs = tokenizer(TEXTS, padding="max_length", max_length=CONTEXT, truncation=True)["input_ids"]
        assert load(folder).tokenizer(TEXTS).tolist() == theirs
    assert theirs[1][0] == 0
    assert theirs[1][-1] == 1


def test_pictures_are_squashed_and_normalized_as_its_processor_says(made: tuple[Path, Any]) -> None:
    preprocessing = load(made[0]).card.preprocessing
    assert (preprocessing.geometry.height, preprocessing.geometry.resize) == (32, "squash")
    assert (preprocessing.mean, preprocessing.std) == ((0.5,) * 3, (0.5,) * 3)


@torch.inference_mode()
def test_a_model_tuned_from_it_needs_nothing_else(made: tuple[Path, Any], tmp_path: Path) -> None:
    loaded = load(made[0])
    write_model_folder(tmp_path / "tuned", loaded.network, loaded.card)
    tuned = load(tmp_path / "tuned")
    assert tuned.tokenizer(TEXTS).tolist() == loaded.tokenizer(TEXTS).tolist()
    images = torch.rand(1, 3, 32, 32)
    assert tuned.network.visual(images).equal(loaded.network.visual(images))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "siglip2"}, r"SigLIP 2 of any picture size \(NaFlex\)"),
        ({"model_type": "siglip_vision_model"}, "the image tower of a SigLIP alone"),
        ({"vision_config": {"vision_use_head": False}}, "differs from the published SigLIPs"),
        ({"vision_config": {"image_size": [32, 64]}}, "image_size is not square"),
        ({"text_config": {"projection_size": 32}}, "images in 64 dimensions and texts in 32"),
    ],
)
def test_what_cannot_run_is_refused(
    made: tuple[Path, Any], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = shutil.copytree(made[0], tmp_path / "other")
    content = json.loads((folder / "config.json").read_text())
    for name, value in changes.items():
        content[name] = {**content[name], **value} if isinstance(value, dict) else value
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises(InvalidInput, match=message):
        load(folder)


def test_a_missing_or_damaged_tokenizer_is_named(made: tuple[Path, Any], tmp_path: Path) -> None:
    folder = shutil.copytree(made[0], tmp_path / "other")
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(ModelUnavailable, match=r"the tokenizer in .* is damaged"):
        load(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InvalidInput, match=r"but no tokenizer\.json"):
        load(folder)


def test_a_token_beyond_the_vocabulary_is_named_when_a_text_has_it(
    made: tuple[Path, Any], tmp_path: Path
) -> None:
    folder = shutil.copytree(made[0], tmp_path / "other")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    known = made[1].config.text_config.vocab_size
    extra = {**tokenizer["added_tokens"][0], "id": known, "content": "zebra", "special": False}
    tokenizer["added_tokens"].append(extra)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    loaded = load(folder)
    assert loaded.tokenizer(TEXTS).tolist() == load(made[0]).tokenizer(TEXTS).tolist()
    with pytest.raises(ModelUnavailable) as error:
        loaded.tokenizer([*TEXTS, "a zebra"])
    assert str(error.value).startswith(
        f"the tokenizer in {folder} gives token {known} for 'a zebra', and the model knows {known} tokens"
    )
