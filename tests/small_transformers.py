"""Small random models of the package transformers, with all files that it saves."""

from pathlib import Path
from typing import Any

import pytest
import torch

from vifi_cli.model.torchvision_operators import declare_missing_operators

declare_missing_operators()  # which transformers needs where torchvision lacks its own
transformers = pytest.importorskip("transformers", reason="the package transformers makes the models")

TOWER = {"num_hidden_layers": 2, "num_attention_heads": 4}
WORDS = ("wave", "jump", "dance", "rain", "people", "person", "two", "the", "in", "in_", "a")
CONTEXT = 12


def save_siglip(folder: Path) -> Any:
    """A SiglipModel with a tokenizer like that of SigLIP 2, and its processor, written to a folder."""
    tokenizer = _gemma_tokenizer()
    text = {
        **TOWER,
        "hidden_size": 48,
        "intermediate_size": 100,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": CONTEXT,
        "projection_size": 64,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    vision = {**TOWER, "hidden_size": 64, "intermediate_size": 96, "image_size": 32, "patch_size": 8}
    model = random_weights(
        transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=vision))
    )
    model.save_pretrained(folder)
    images = transformers.SiglipImageProcessor(size={"height": 32, "width": 32})
    transformers.SiglipProcessor(images, tokenizer).save_pretrained(folder)
    return model


def _gemma_tokenizer() -> Any:
    """Byte pairs with a few words as one token each, ending texts with <eos>."""
    vocabulary = {
        token: number for number, token in enumerate(("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"))
    }
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        for letter in ("▁", *word):
            vocabulary.setdefault(letter, len(vocabulary))
        for end in range(1, len(word)):
            merges.append((word[:end], word[end]))
            vocabulary.setdefault(word[: end + 1], len(vocabulary))
    return transformers.GemmaTokenizer(
        vocab=vocabulary, merges=merges, add_bos_token=False, add_eos_token=True, padding_side="right"
    )


def random_weights(model: Any) -> Any:
    """The model with weights so large that a difference in any layer shows."""
    generator = torch.Generator().manual_seed(0)
    for tensor in model.parameters():
        tensor.data = torch.randn(tensor.shape, generator=generator) * 0.2
    return model.eval()
