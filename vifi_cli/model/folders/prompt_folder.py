"""What a prompt model's folder adds to its base: `prompts.safetensors`, put into the base's towers."""

from pathlib import Path

from torch import Tensor, nn

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.folders.card import ModelCard, Tower
from vifi_cli.model.folders.prompt_base import PREFIXES, prompts_of
from vifi_cli.model.prompts.image import PromptedImageTower
from vifi_cli.model.prompts.text import PromptedTextTower
from vifi_cli.model.registry.source import CARD_FILE, PROMPTS_FILE
from vifi_cli.model.registry.weights_file import read_weights


def prompted_tower(folder: Path, card: ModelCard, tower: Tower, base: nn.Module) -> nn.Module:
    """Put a folder's prompts into a tower of its base; one that has none is given back as it is.

    Args:
        folder: the prompt model's.
        card: the prompt model's.
        tower: which.
        base: the base's tower.

    Raises:
        ModelUnavailable: the prompts' file is damaged or does not fit the configuration.
        InvalidInput: the tower takes no such prompts.
    """
    count, depth = prompts_of(card, tower)
    if not count:
        return base
    prompts = _read(folder / PROMPTS_FILE, PREFIXES[tower], count, depth)
    kind = PromptedImageTower if tower == "image" else PromptedTextTower
    return kind(base, prompts).eval()


def _read(file: Path, prefix: str, count: int, depth: int) -> list[Tensor]:
    found = read_weights(file, lambda name: name.startswith(prefix), or_none=True)
    names = [f"{prefix}{layer}" for layer in range(depth)]
    if set(names) != set(found) or any(len(prompt) != count for prompt in found.values()):
        raise ModelUnavailable(
            f"{file} does not hold {count} vectors in each of {depth} layers under {prefix}*, as {CARD_FILE} beside "
            "it has it: copy the whole folder again"
        )
    return [found[name].float() for name in names]
