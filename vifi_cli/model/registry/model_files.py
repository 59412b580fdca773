"""The files that models are kept in."""

from pathlib import Path

OPEN_CLIP_CONFIGURATION = "open_clip_config.json"
CARD_FILE, WEIGHTS_FILE, PROMPTS_FILE = "config.json", "weights.safetensors", "prompts.safetensors"
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pth.tar")
# as the package transformers names them: one file, or an index of several
TRANSFORMERS_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def is_weights_name(path: Path) -> bool:
    """Whether a file's name ends as those of weights do."""
    return path.name.lower().endswith(WEIGHT_SUFFIXES)


def is_transformers_folder(folder: Path) -> bool:
    """Whether a folder holds a model as the package transformers saves it: a configuration, and weights."""
    return (folder / CARD_FILE).is_file() and any((folder / name).is_file() for name in TRANSFORMERS_WEIGHTS)


def is_model_folder(folder: Path) -> bool:
    """Whether a folder is one of vifi's own: a card, and weights or prompts."""
    has_tensors = any((folder / name).is_file() for name in (WEIGHTS_FILE, PROMPTS_FILE))
    return has_tensors and (folder / CARD_FILE).is_file()
