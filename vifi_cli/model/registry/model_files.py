"""The files that models are kept in."""

from pathlib import Path

OPEN_CLIP_CONFIGURATION = "open_clip_config.json"
CARD_FILE, WEIGHTS_FILE, PROMPTS_FILE = "config.json", "weights.safetensors", "prompts.safetensors"
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")


def is_model_folder(folder: Path) -> bool:
    """Whether a folder is one of vifi's own: a card, and weights or prompts."""
    has_tensors = any((folder / name).is_file() for name in (WEIGHTS_FILE, PROMPTS_FILE))
    return has_tensors and (folder / CARD_FILE).is_file()
