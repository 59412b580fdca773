import json
from pathlib import Path

import pytest

from tests.model.conftest import make_tiny_clip
from vifi_cli.model.registry.known_models import KNOWN_MODELS
from vifi_cli.model.registry.languages import (
    class_language_hint,
    foreign_script,
    language_hint,
    reads_english_only,
)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("кот на диване", "Cyrillic"),
        ("猫", "Chinese characters"),
        ("ねこ", "Hiragana"),
        ("강아지", "Hangul"),
        ("كلب", "Arabic"),
        ("कुत्ता", "Devanagari"),
        ("שלום", "Hebrew"),
        ("Ελλάδα", "Greek"),
        ("a cat, or 猫", "Chinese characters"),
    ],
)
def test_other_scripts_are_recognized(text: str, script: str) -> None:
    assert foreign_script(text) == script


@pytest.mark.parametrize(
    "text",
    [
        "a cat",
        "",
        "café",
        "Straße",
        "nắng chiều",
        "İstanbul",
        "α particles",
        "5 µm, 2ª",
        "🐈 16:9",
        "ｃａｔ",
        "ʻokina",
    ],
)
def test_accents_symbols_and_lone_greek_letters_are_not_another_script(text: str) -> None:
    assert foreign_script(text) == ""


@pytest.mark.parametrize(
    "model",
    [
        "starter",
        "clip-vit-b-16",
        "ViT-B-32/openai",
        "ViT-B-16-SigLIP/webli",
        "roberta-ViT-B-32/laion2b_s12b_b32k",
    ],
)
def test_models_made_for_english(model: str) -> None:
    assert reads_english_only(model)


@pytest.mark.parametrize(
    "model",
    [
        "siglip2-b-32",
        "xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k",
        "nllb-clip-base/v1",
        "mt5-base-ViT-B-32/x",
        "ViT-B-16-SigLIP-i18n-256/webli",
        "ViT-H-14-worldwide/metaclip2_worldwide",
        "no-such-model",
        "../no/such/model",
    ],
)
def test_models_of_many_languages_or_unknown_ones_give_no_hint(model: str) -> None:
    assert not reads_english_only(model)
    assert language_hint(model, "кот") == ""


def test_a_folder_is_judged_by_its_configuration(tmp_path: Path) -> None:
    make_tiny_clip(tmp_path)
    assert reads_english_only(str(tmp_path))
    file = tmp_path / "open_clip_config.json"
    content = json.loads(file.read_text())
    content["model_cfg"]["text_cfg"] |= {"hf_tokenizer_name": "xlm-roberta-base", "vocab_size": 250_002}
    file.write_text(json.dumps(content))
    assert not reads_english_only(f"local-dir:{tmp_path}")
    file.write_text("{")
    assert not reads_english_only(str(tmp_path))


def test_a_model_of_transformers_is_judged_by_its_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    for size, is_english in ((32_000, True), (256_000, False)):
        content = {"model_type": "siglip", "text_config": {"vocab_size": size}}
        (tmp_path / "config.json").write_text(json.dumps(content))
        for model in (tmp_path, tmp_path / "model.safetensors"):
            assert reads_english_only(str(model)) == is_english


def test_the_hint_names_models_that_read_many_languages() -> None:
    hint = language_hint("starter", "кот")
    assert "starter reads English only, and the query is in Cyrillic" in hint
    many = [model.name for model in KNOWN_MODELS if model.languages == "many"]
    assert many == ["siglip2-b-16", "siglip2-b-32"]
    assert all(name in hint for name in many)
    assert language_hint("starter", "a cat") == ""


def test_class_names_in_another_script_are_pointed_out_once() -> None:
    assert class_language_hint("clip-vit-b-16", ["run", "walk"]) == ""
    hint = class_language_hint("starter", ["run", "弯腰", "跳跃"])
    assert hint.startswith(
        "starter reads English only, and some class names are in Chinese characters: write them"
    )
