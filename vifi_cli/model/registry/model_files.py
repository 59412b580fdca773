"""The files that models are kept in."""

import json
from pathlib import Path

OPEN_CLIP_CONFIGURATION = "open_clip_config.json"
CARD_FILE, WEIGHTS_FILE = "config.json", "weights.safetensors"
# of models that hold only changes of a base
PROMPTS_FILE, LORA_FILE, HEAD_FILE = "prompts.safetensors", "lora.safetensors", "head.safetensors"
TENSOR_FILES = (WEIGHTS_FILE, PROMPTS_FILE, LORA_FILE, HEAD_FILE)
"""Of which a model folder of vifi's holds one."""
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pth.tar")
# as the package transformers names them: one file, or an index of several
TRANSFORMERS_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)

TOKENIZER_FILE = "tokenizer.json"
_TOKENIZER_FILES = (TOKENIZER_FILE, "vocab.json", "spiece.model")  # any of them


def is_weights_name(path: Path) -> bool:
    """Whether a file's name ends as those of weights do."""
    return path.name.lower().endswith(WEIGHT_SUFFIXES)


def is_transformers_folder(folder: Path) -> bool:
    """Whether a folder holds a model as the package transformers saves it: a configuration, and weights."""
    return (folder / CARD_FILE).is_file() and any((folder / name).is_file() for name in TRANSFORMERS_WEIGHTS)


def is_transformers_file(file: Path) -> bool:
    """Whether a file is the weights of such a folder, or their index, whose configuration is beside it."""
    return file.name in TRANSFORMERS_WEIGHTS and names_a_transformers_model(file.parent)


def names_a_transformers_model(folder: Path) -> bool:
    """Whether a folder holds the configuration of a model of transformers, which vifi may or may not read."""
    try:
        content = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "model_type" in content


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder brings a tokenizer of its own."""
    return any((folder / name).is_file() for name in _TOKENIZER_FILES)


def is_model_folder(folder: Path) -> bool:
    """Whether a folder is one of vifi's own: a card, and weights or changes of a base."""
    has_tensors = any((folder / name).is_file() for name in TENSOR_FILES)
    return has_tensors and (folder / CARD_FILE).is_file()
