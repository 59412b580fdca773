"""Reads the tokenizer that a folder of transformers brings, through the `tokenizers` library.

Everything that determines tokens (cleaning, cutting, padding) goes into one `tokenizer.json`, which model folders made
from such a model keep. Tokens are those of the tokenizer classes of transformers 5 (`CLIPTokenizer`,
`SiglipTokenizer`, `GemmaTokenizer`, `Siglip2Tokenizer`), which padding lengths follow: `max_length`, the context.
"""

import json
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vifi_cli.errors import MissingDependency, ModelUnavailable
from vifi_cli.model.registry.model_files import TOKENIZER_FILE
from vifi_cli.model.towers.tokenizers.sentence_pieces import read_sentence_pieces

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SETTINGS_FILES = ("special_tokens_map.json", "tokenizer_config.json")
_PADS_LEFT = ("GemmaTokenizer", "GemmaTokenizerFast", "Siglip2Tokenizer")
_USUAL_PADDING = ("<pad>", "</s>", "<|endoftext|>")  # where a folder does not say it
_TEXT_SHOWN = 40
_CANONICALIZES = "SiglipTokenizer"
_CLIP_PATTERN = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class FolderTokenizer:
    """Turns texts into token ids int64 (N, L), L the context; a longer text is cut before its end token."""

    def __init__(self, content: str) -> None:
        """Take the content of a `tokenizer.json` that cuts and pads."""
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(content)
        self.content = content

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Token ids of texts."""
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        return torch.tensor(rows, dtype=torch.int64) if rows else torch.zeros(0, 1, dtype=torch.int64)


def require_known_tokens(tokens: Tensor, texts: Sequence[str], vocabulary: int | None, model: str) -> None:
    """Raises ModelUnavailable if texts (N) have tokens (N, L) beyond a model's vocabulary.

    A tokenizer may hold more tokens than its model, as long as no text has them.
    """
    if vocabulary is None or not tokens.numel() or (largest := int(tokens.max())) < vocabulary:
        return
    text = texts[int((tokens == largest).any(dim=1).nonzero()[0])]
    raise ModelUnavailable(
        f"the tokenizer in {model} gives token {largest} for {shorten(text, _TEXT_SHOWN, placeholder='…')!r}, and the "
        f"model knows {vocabulary} tokens (vocab_size), from 0 on: copy the tokenizer of these weights into the folder"
    )


def read_folder_tokenizer(folder: Path, context_length: int) -> FolderTokenizer:
    """The tokenizer of a folder, for texts of `context_length` tokens.

    Raises ModelUnavailable if its files are damaged or incomplete, and MissingDependency without `tokenizers`.
    """
    try:
        import tokenizers  # noqa: F401 - asked for first, for the message
    except ImportError as error:
        raise MissingDependency(f"{folder} needs tokenizers: pip install tokenizers") from error
    settings = _settings(folder)
    tokenizer = _tokenizer(folder, settings)
    named = (_token(settings, "pad_token"), _token(settings, "eos_token"), *_USUAL_PADDING)
    padding = next((token for token in named if token and tokenizer.token_to_id(token) is not None), "")
    side = settings.get("padding_side") or ("left" if _class(settings) in _PADS_LEFT else "right")
    if side not in ("left", "right"):
        raise ModelUnavailable(
            f"the tokenizer in {folder} pads on the left or right (padding_side), not {side!r}"
        )
    return fixed_length(tokenizer, context_length, side, padding)


def fixed_length(tokenizer: "Tokenizer", length: int, side: str, padding: str) -> FolderTokenizer:
    """A tokenizer that cuts and pads all texts to one length; without a token to pad with, by the number 0."""
    number = tokenizer.token_to_id(padding)
    tokenizer.enable_padding(direction=side, pad_id=number or 0, pad_token=padding or "[PAD]", length=length)
    tokenizer.enable_truncation(length)
    return FolderTokenizer(tokenizer.to_str())


def _settings(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _SETTINGS_FILES:
        if (folder / name).is_file():
            content = _json(folder / name)
            found |= content if isinstance(content, dict) else {}
    return found


def _class(settings: Mapping[str, Any]) -> str:
    return str(settings.get("tokenizer_class"))


def _token(settings: Mapping[str, Any], name: str) -> str | None:
    """A special token, which older releases describe by several values."""
    token = settings.get(name)
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else None


def _tokenizer(folder: Path, settings: Mapping[str, Any]) -> "Tokenizer":
    from tokenizers import Tokenizer

    try:
        if (folder / TOKENIZER_FILE).is_file():
            tokenizer = Tokenizer.from_str((folder / TOKENIZER_FILE).read_text(encoding="utf-8"))
        elif (folder / "vocab.json").is_file():
            tokenizer = _clip_tokenizer(folder, settings)
        else:
            tokenizer = read_sentence_pieces(folder / "spiece.model")
    except ModelUnavailable:
        raise
    except Exception as error:  # tokenizers raises a bare Exception for a damaged file
        reason = str(error).partition("\n")[0]
        raise ModelUnavailable(
            f"the tokenizer in {folder} is damaged ({reason}): copy its files again"
        ) from error
    if _class(settings) == _CANONICALIZES:
        canonicalize(tokenizer, lowers=settings.get("do_lower_case", True) is not False)
    return tokenizer


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnavailable(f"{file} cannot be read as JSON: copy the folder again") from error


def _clip_tokenizer(folder: Path, settings: Mapping[str, Any]) -> "Tokenizer":
    """CLIP's tokenizer from `vocab.json` and `merges.txt`, as `CLIPTokenizer` builds it."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    merges = folder / "merges.txt"
    if not merges.is_file():
        raise ModelUnavailable(f"{folder} has vocab.json without merges.txt: copy the complete folder")
    start = _token(settings, "bos_token") or "<|startoftext|>"
    end = _token(settings, "eos_token") or "<|endoftext|>"
    model = models.BPE.from_file(
        str(folder / "vocab.json"), str(merges), unk_token=end, end_of_word_suffix="</w>"
    )
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens([start, end])
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_PATTERN), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    last, first = ((token, tokenizer.token_to_id(token) or 0) for token in (end, start))
    tokenizer.post_processor = processors.RobertaProcessing(last, first, False, False)
    return tokenizer


def canonicalize(tokenizer: "Tokenizer", *, lowers: bool, underscore: str = "") -> None:
    """Clean texts as `SiglipTokenizer` does: no punctuation, one space between words, and lower case.

    open_clip puts a space in place of an underscore.
    """
    from tokenizers import Regex, normalizers

    punctuation = "".join(f"\\{character}" for character in string.punctuation)
    steps: list[Any] = [normalizers.Lowercase()] if lowers else []
    for pattern, text in (("_", underscore), (f"[{punctuation}]", ""), (r"\s+", " ")):
        steps.append(normalizers.Replace(Regex(pattern), text))
    own = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Strip(), *own])
