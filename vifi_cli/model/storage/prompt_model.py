"""Models made of learned prompts: a folder's `prompts.safetensors`, on top of the towers of its base.

Fingerprints are computed without torch, as a search needs them. A damaged file raises ModelUnavailable, a base that
does not fit InvalidInput.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.card import Tower, short
from vifi_cli.model.registry.model_files import CARD_FILE, PROMPTS_FILE
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.weights.fingerprint import fingerprint_of_tower_file

if TYPE_CHECKING:
    from torch import Tensor, nn

# what a weight's name begins with, by tower
PREFIXES: dict[Tower, str] = {"image": "visual.prompts.", "text": "text.prompts."}


def prompted_fingerprint(source: ModelSource, tower: Tower, found: str) -> str:
    """The fingerprint of a tower with its prompts, where `found` is the present one of the base's tower.

    Without prompts in the tower, `found` is returned.
    """
    card, folder = source.card, source.path
    if not card or not card.base or not folder:
        return found
    wanted = card.base.image if tower == "image" else card.base.text
    if found != wanted:
        raise InvalidInput(
            f"{folder} holds prompts for {card.base.model} with the {tower} tower {short(wanted)}, and its {tower} "
            f"tower is {short(found)} now: bring that model back as it was, or learn prompts for this one"
        )
    if not any(card.prompts_in(tower)):
        return found
    return fingerprint_of_tower_file({"base": found}, folder / PROMPTS_FILE, PREFIXES[tower])


def prompted_tower(source: ModelSource, tower: Tower, base: "nn.Module") -> "nn.Module":
    """Put a model's prompts into a tower of its base; without prompts, the tower is returned unchanged."""
    count, depth = source.card.prompts_in(tower) if source.card else (0, 0)
    if not count or not source.path:
        return base
    from vifi_cli.model.prompts.image import PromptedImageTower
    from vifi_cli.model.prompts.text import PromptedTextTower

    prompts = _read(source.path / PROMPTS_FILE, PREFIXES[tower], count, depth)
    kind = PromptedImageTower if tower == "image" else PromptedTextTower
    return kind(base, prompts).eval()


def _read(file: Path, prefix: str, count: int, depth: int) -> "list[Tensor]":
    from vifi_cli.model.weights.weights_file import read_weights

    found = read_weights(file, lambda name: name.startswith(prefix), or_none=True)
    names = [f"{prefix}{layer}" for layer in range(depth)]
    if set(names) != set(found) or any(len(prompt) != count for prompt in found.values()):
        raise ModelUnavailable(
            f"{file} does not hold {count} vectors in each of {depth} layers under {prefix}*, as {CARD_FILE} beside "
            "it has it: copy the complete folder again"
        )
    return [found[name].float() for name in names]
