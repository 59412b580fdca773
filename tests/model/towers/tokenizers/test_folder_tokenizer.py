"""Tokenizers read from a folder's own files give the tokens that transformers gives, or such counted by hand."""

import json
import struct
from pathlib import Path

import pytest

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.towers.tokenizers.folder_tokenizer import read_folder_tokenizer

PIECES = (("</s>", 3), ("<unk>", 2), ("▁", 1), ("▁a", 1), ("▁dog", 1), ("s", 1), ("run", 1), ("▁run", 1))
END, UNKNOWN, SPACE, A, DOG, S, RUN, SPACE_RUN = range(len(PIECES))


def varint(number: int) -> bytes:
    return bytes([number & 127 | 128]) + varint(number >> 7) if number > 127 else bytes([number])


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def sentence_pieces(model_type: int = 1) -> bytes:
    """A model as the library SentencePiece writes it: pieces with scores, and settings."""
    model = b""
    for score, (text, kind) in enumerate(PIECES):
        piece = message(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", -1.0 - score / 100)
        model += message(1, piece + varint(3 << 3) + varint(kind))
    return model + message(2, varint(3 << 3) + varint(model_type)) + message(3, message(1, b"identity"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spiece.model").write_bytes(sentence_pieces())
    settings = {"tokenizer_class": "SiglipTokenizer", "pad_token": "</s>", "eos_token": {"content": "</s>"}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    return tmp_path


def test_sentence_pieces_of_a_siglip_are_read_without_its_library(folder: Path) -> None:
    tokens = read_folder_tokenizer(folder, 5)(["A  dog, runs!", "", "a a a a a a", "x"])
    assert tokens.tolist() == [
        [A, DOG, SPACE_RUN, S, END],
        [END] * 5,
        [A, A, A, A, END],
        [SPACE, UNKNOWN, END, END, END],
    ]


def test_case_counts_if_the_folder_says_so(folder: Path) -> None:
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "do_lower_case": False}))
    assert read_folder_tokenizer(folder, 3)(["A", "a"]).tolist() == [[SPACE, UNKNOWN, END], [A, END, END]]


@pytest.mark.parametrize(
    "content", [sentence_pieces(model_type=2), b"", b"\x0a\xff", b"version https://git-lfs"]
)
def test_another_file_of_that_name_is_damaged(folder: Path, content: bytes) -> None:
    (folder / "spiece.model").write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"the tokenizer in .* is damaged"):
        read_folder_tokenizer(folder, 5)


def test_vocabulary_and_merges_are_a_tokenizer_of_clip(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the package transformers has the tokenizer")
    words = ("a", "b", "a</w>", "b</w>", "ab</w>", "<|startoftext|>", "<|endoftext|>")
    (tmp_path / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    with pytest.raises(ModelUnavailable, match=r"vocab\.json without merges\.txt"):
        read_folder_tokenizer(tmp_path, 6)
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b</w>\n")
    texts = ["AB b", "ab   ab", "a b a b a b", ""]
    tokens = read_folder_tokenizer(tmp_path, 6)(texts).tolist()
    assert tokens[0] == [5, 4, 3, 6, 6, 6]
    vocabulary, merges = json.loads((tmp_path / "vocab.json").read_text()), [("a", "b</w>")]
    theirs = transformers.CLIPTokenizer(vocab=vocabulary, merges=merges)
    assert tokens == theirs(texts, padding="max_length", max_length=6, truncation=True)["input_ids"]
