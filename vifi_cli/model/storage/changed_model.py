"""Models that hold only changes of a base: learned prompts or low-rank matrices, in a file beside the card.

Fingerprints are computed without torch, as a search needs them. A damaged file raises ModelUnavailable, a base that
does not fit InvalidInput.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.card import LoraShape, Tower, short
from vifi_cli.model.registry.model_files import CARD_FILE, LORA_FILE, PROMPTS_FILE
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.weights.fingerprint import fingerprint_of_tower_file

if TYPE_CHECKING:
    from torch import Tensor, nn

# what a weight's name begins with, by tower
PREFIXES: dict[Tower, str] = {"image": "visual.", "text": "text."}


def changed_fingerprint(source: ModelSource, tower: Tower, found: str) -> str:
    """The fingerprint of a tower with its changes, where `found` is the present one of the base's tower.

    Without changes of the tower, `found` is returned.
    """
    card, folder = source.card, source.path
    if not card or not card.base or not folder:
        return found
    wanted = card.base.image if tower == "image" else card.base.text
    if found != wanted:
        raise InvalidInput(
            f"{folder} holds {card.changes} for {card.base.model} with the {tower} tower {short(wanted)}, and its "
            f"{tower} tower is {short(found)} now: bring that model back as it was, or train for this one"
        )
    if not card.changes_tower(tower):
        return found
    if card.lora:
        description = {"base": found, "scale": card.lora.scale}
        return fingerprint_of_tower_file(description, folder / LORA_FILE, PREFIXES[tower])
    return fingerprint_of_tower_file({"base": found}, folder / PROMPTS_FILE, f"{PREFIXES[tower]}prompts.")


def changed_tower(source: ModelSource, tower: Tower, base: "nn.Module") -> "nn.Module":
    """A tower of a model's base with the changes of the model; low-rank matrices are added to its weights in place."""
    card, folder = source.card, source.path
    if not card or not folder or not card.changes_tower(tower):
        return base
    if card.lora:
        _merge(base, card.lora, folder / LORA_FILE, PREFIXES[tower])
        return base
    from vifi_cli.model.prompts.image import PromptedImageTower
    from vifi_cli.model.prompts.text import PromptedTextTower

    prompts = _read_prompts(folder / PROMPTS_FILE, f"{PREFIXES[tower]}prompts.", *card.prompts_in(tower))
    kind = PromptedImageTower if tower == "image" else PromptedTextTower
    return kind(base, prompts).eval()


def _merge(tower: "nn.Module", shape: LoraShape, file: Path, prefix: str) -> None:
    from vifi_cli.model.lora.low_rank import merge_low_rank
    from vifi_cli.model.weights.weights_file import read_weights

    found = read_weights(file, lambda name: name.startswith(prefix), or_none=True)
    try:
        merge_low_rank(tower, shape, {name.removeprefix(prefix): tensor for name, tensor in found.items()})
    except ValueError as error:
        raise ModelUnavailable(
            f"{file} does not hold the matrices that {CARD_FILE} beside it names ({error}): copy the complete folder "
            "again"
        ) from error


def _read_prompts(file: Path, prefix: str, count: int, depth: int) -> "list[Tensor]":
    from vifi_cli.model.weights.weights_file import read_weights

    found = read_weights(file, lambda name: name.startswith(prefix), or_none=True)
    names = [f"{prefix}{layer}" for layer in range(depth)]
    if set(names) != set(found) or any(len(prompt) != count for prompt in found.values()):
        raise ModelUnavailable(
            f"{file} does not hold {count} vectors in each of {depth} layers under {prefix}*, as {CARD_FILE} beside "
            "it has it: copy the complete folder again"
        )
    return [found[name].float() for name in names]
