"""Writes the tokenizer of a model for transformers, and for the tokenizers of open_clip that use it."""

import json
from pathlib import Path
from typing import Any

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.model_files import TOKENIZER_FILE
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.towers.open_clip import ModelTokenizer
from vifi_cli.model.towers.tokenizers.folder_tokenizer import fixed_length, read_folder_tokenizer

_CLIP_START, _CLIP_END = "<|startoftext|>", "<|endoftext|>"
_VOCABULARY_FILES = ("vocab.json", "merges.txt")


def write_tokenizer(folder: Path, model: LoadedModel) -> dict[str, int | None]:
    """Write a model's tokenizer, as `tokenizer.json` with its settings; InvalidInput for one that has no such form.

    Returns the numbers of the tokens that a configuration of transformers names.
    """
    config = model.card.architecture
    if isinstance(config, str) or not isinstance(model.tokenizer, ModelTokenizer):
        raise ValueError("only models of open_clip are written")
    length = config["text_cfg"].get("context_length", 77)
    content = model.tokenizer.content or _made(folder, model.tokenizer.tokenize, length)
    (folder / TOKENIZER_FILE).write_text(content, encoding="utf-8")
    padding = json.loads(content)["padding"]
    end, number = _end_token(content)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",  # of both releases 4 and 5, which take tokenizer.json as it is
        "model_max_length": length,
        "padding_side": padding["direction"].lower(),
        "pad_token": padding["pad_token"],
        "eos_token": end,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    (folder / "tokenizer_config.json").write_text(
        json.dumps(settings, indent=2, ensure_ascii=False) + "\n", "utf-8"
    )
    return {"bos_token_id": None, "eos_token_id": number, "pad_token_id": padding["pad_id"]}


def _made(folder: Path, tokenize: Any, length: int) -> str:
    """The content of a `tokenizer.json` for a tokenizer of open_clip."""
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    if isinstance(tokenize, SimpleTokenizer):
        return _of_clip(folder, tokenize, length)
    if isinstance(tokenize, HFTokenizer) and hasattr(tokenize.tokenizer, "backend_tokenizer"):
        return _of_transformers(tokenize, length)
    raise InvalidInput(
        "transformers has no form for the tokenizer of this model: export it with --format open_clip"
    )


def _of_clip(folder: Path, tokenize: Any, length: int) -> str:
    """CLIP's, whose vocabulary open_clip has in another file."""
    names = {"<start_of_text>": _CLIP_START, "<end_of_text>": _CLIP_END}
    vocabulary = {names.get(token, token): number for token, number in tokenize.encoder.items()}
    merges = "".join(f"{left} {right}\n" for left, right in tokenize.bpe_ranks)
    contents = (json.dumps(vocabulary, ensure_ascii=False), f"#version: 0.2\n{merges}")
    for name, content in zip(_VOCABULARY_FILES, contents, strict=True):
        (folder / name).write_text(content, encoding="utf-8")
    found = read_folder_tokenizer(folder, length).content
    for name in _VOCABULARY_FILES:
        (folder / name).unlink()
    return found


def _of_transformers(tokenize: Any, length: int) -> str:
    """That of a SigLIP, with the cleaning that open_clip does before it (`canonicalize_text`)."""
    from tokenizers import Tokenizer

    from vifi_cli.model.towers.tokenizers.folder_tokenizer import canonicalize

    own = tokenize.tokenizer
    tokenizer: Tokenizer = Tokenizer.from_str(own.backend_tokenizer.to_str())
    if tokenize.clean_fn.__name__ == "_clean_canonicalize":
        canonicalize(tokenizer, lowers=True, underscore=" ")
    return fixed_length(tokenizer, length, own.padding_side, own.pad_token).content


def _end_token(content: str) -> tuple[str | None, int | None]:
    """The token that ends each text, and its number, by the tokens of an empty one."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(content)
    tokenizer.no_padding()
    found = tokenizer.encode("")
    return (found.tokens[-1], found.ids[-1]) if found.ids else (None, None)
