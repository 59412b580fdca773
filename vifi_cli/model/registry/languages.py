"""Which models read English only, from what is known of their text towers; loads neither torch nor open_clip."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import ModelCard, read_card
from vifi_cli.model.registry.known_models import KNOWN_MODELS, STARTER, find_known_model
from vifi_cli.model.registry.model_files import (
    CARD_FILE,
    OPEN_CLIP_CONFIGURATION,
    is_transformers_file,
    is_transformers_folder,
)
from vifi_cli.paths import given_path

LARGEST_ENGLISH_VOCABULARY = 100_000
"""Of a tokenizer: those for English have 30,000 to 64,000 tokens, those for many languages 250,000 and more."""

ENGLISH_TOKENIZERS = ("bert-base-uncased", "roberta-base")
"""Those in open_clip whose configurations do not give the size of the vocabulary."""

_FEW_GREEK_LETTERS = 1


def language_hint(model: str, text: str) -> str:
    """Advice on a text in another script than the model reads; empty if there is none to give."""
    script = foreign_script(text)
    if not script or not reads_english_only(model):
        return ""
    return (
        f"{model} reads English only, and the query is in {script}: write it in English, or index with a model of "
        f"many languages, such as {_of_many_languages()}"
    )


def class_language_hint(model: str, texts: Iterable[str]) -> str:
    """The same about the first class text in another script."""
    script = next(filter(None, map(foreign_script, texts)), "")
    if not script or not reads_english_only(model):
        return ""
    return (
        f"{model} reads English only, and some class names are in {script}: write them in English, or use a model of "
        f"many languages, such as {_of_many_languages()}"
    )


def _of_many_languages() -> str:
    return " or ".join(known.name for known in KNOWN_MODELS if known.languages == "many")


def foreign_script(text: str) -> str:
    """The script other than Latin that most such letters of a text have, in words; empty if all are Latin.

    A lone Greek letter, as in "α particles", is not a text in Greek.
    """
    letters = (letter for letter in unicodedata.normalize("NFKC", text) if letter.isalpha())
    scripts = Counter(unicodedata.name(letter, "LATIN").split()[0] for letter in letters)
    if scripts["GREEK"] <= _FEW_GREEK_LETTERS:
        del scripts["GREEK"]
    del scripts["LATIN"], scripts["MODIFIER"]
    if not scripts:
        return ""
    script = scripts.most_common(1)[0][0]
    return "Chinese characters" if script == "CJK" else script.capitalize()


def reads_english_only(model: str) -> bool:
    """Whether the text tower of a model was made for English; False if that is not known."""
    if known := find_known_model(model):
        return known.languages == "English"
    folder = given_path(model.removeprefix("local-dir:").partition("#")[0])
    if is_transformers_file(folder):
        folder = folder.parent
    if folder.is_file():
        return True  # weights in the naming of OpenAI's CLIP
    if folder.is_dir():
        return _folder_reads_english_only(folder)
    return _is_english(_text_configuration_of(model.rpartition("/")[0]))


def _folder_reads_english_only(folder: Path) -> bool:
    if is_transformers_folder(folder):
        return _transformers_reads_english_only(folder)
    if (folder / CARD_FILE).is_file():
        try:
            card = read_card(folder)
        except InvalidInput:
            return False
        return _card_is_english(card, folder)
    try:
        content = json.loads((folder / OPEN_CLIP_CONFIGURATION).read_text(encoding="utf-8"))
        return _is_english(content["model_cfg"]["text_cfg"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _transformers_reads_english_only(folder: Path) -> bool:
    try:
        text = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))["text_config"]
        return _is_english({"vocab_size": text.get("vocab_size", LARGEST_ENGLISH_VOCABULARY)})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _card_is_english(card: ModelCard, folder: Path) -> bool:
    if card.base:
        inside = folder / card.base.model
        return reads_english_only(str(inside) if inside.exists() else card.base.model)
    if isinstance(card.architecture, str):
        return card.architecture == STARTER
    return _is_english(card.architecture["text_cfg"])


def _text_configuration_of(architecture: str) -> Mapping[str, Any] | None:
    """The part of open_clip's configuration of an architecture that is about text; None if there is none."""
    package = find_spec("open_clip")
    if package is None or package.origin is None or not architecture:
        return None
    file = Path(package.origin).parent / "model_configs" / f"{Path(architecture).name}.json"
    try:
        configuration: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))["text_cfg"]
    except (OSError, ValueError, KeyError):
        return None
    return configuration


def _is_english(text_configuration: Mapping[str, Any] | None) -> bool:
    if not isinstance(text_configuration, Mapping):
        return False
    vocabulary = text_configuration.get("vocab_size")
    if isinstance(vocabulary, int):
        return vocabulary <= LARGEST_ENGLISH_VOCABULARY
    tokenizer = text_configuration.get("hf_tokenizer_name")
    return tokenizer in ENGLISH_TOKENIZERS or tokenizer is None  # without one it is OpenAI's, for English
