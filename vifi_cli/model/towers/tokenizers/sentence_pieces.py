"""Reads the unigram model of the library SentencePiece (`spiece.model`) for the `tokenizers` library.

transformers saves the tokenizer of a SigLIP in this form alone. The file is a protocol buffer
(sentencepiece_model.proto); only the pieces and how texts are normalized are read.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3  # fields of the model
_TEXT, _SCORE, _KIND = 1, 2, 3  # fields of a piece
_MODEL_TYPE, _CHARACTER_MAP = 3, 2  # fields of trainer and normalizer
_UNIGRAM, _UNKNOWN = 1, 2
_END = "</s>"

Field = int | bytes


def read_sentence_pieces(file: Path) -> "Tokenizer":
    """A tokenizer that ends each text with `</s>`; ValueError, IndexError or struct.error for another file."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    pieces: list[tuple[str, float]] = []
    unknown, characters = 0, b""
    for field, value in _fields(file.read_bytes()):
        if not isinstance(value, bytes):
            continue
        parts = dict(_fields(value))
        if field == _PIECES:
            if parts.get(_KIND) == _UNKNOWN:
                unknown = len(pieces)
            pieces.append((_bytes(parts[_TEXT]).decode(), struct.unpack("<f", _bytes(parts[_SCORE]))[0]))
        elif field == _TRAINER and parts.get(_MODEL_TYPE, _UNIGRAM) != _UNIGRAM:
            raise ValueError(f"{file.name} is not a unigram model")
        elif field == _NORMALIZER:
            characters = _bytes(parts.get(_CHARACTER_MAP, b""))
    tokenizer = Tokenizer(models.Unigram(pieces, unknown))
    end = tokenizer.token_to_id(_END)
    if end is None:
        raise ValueError(f"{file.name} has no {_END}")
    own = [normalizers.Precompiled(characters)] if characters else []
    tokenizer.normalizer = normalizers.Sequence([*own, normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(f"$A {_END}", special_tokens=[(_END, end)])
    return tokenizer


def _fields(message: bytes) -> Iterator[tuple[int, Field]]:
    """The fields of a protocol buffer: numbers as int, everything else as its bytes."""
    place = 0
    while place < len(message):
        key, place = _number(message, place)
        kind = key & 7
        if kind == 0:
            number, place = _number(message, place)
            yield key >> 3, number
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            size, place = _number(message, place)
        if size is None or place + size > len(message):
            raise ValueError("it is not a SentencePiece model")
        yield key >> 3, message[place : place + size]
        place += size


def _number(message: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first, and the place after it."""
    number = shift = 0
    while True:
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
        shift += 7


def _bytes(value: Field) -> bytes:
    if isinstance(value, int):
        raise ValueError("it is not a SentencePiece model")
    return value
