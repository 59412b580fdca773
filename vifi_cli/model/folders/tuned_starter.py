"""Model folders made from `starter`, as the index runs them: compiled like `starter` itself, each tower once.

A tower that was not tuned is `starter`'s own, under its fingerprint, so that nothing need be compiled or embedded
again: an index stays valid under a model of which only the text tower was tuned.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.errors import InvalidInput
from vifi_cli.model.folders.card import ModelCard, read_card
from vifi_cli.model.folders.prompt_base import find_base, prompted_fingerprint, prompts_of
from vifi_cli.model.registry.backbones import STARTER
from vifi_cli.model.registry.source import CARD_FILE, WEIGHTS_FILE, ModelSource
from vifi_cli.model.runtime.fingerprint import fingerprint_of_tower_file
from vifi_cli.model.runtime.starter_encoder import StarterTowers, starter_towers

if TYPE_CHECKING:
    from torch import nn

    from vifi_cli.model.towers.minilm import SentenceTransformer
    from vifi_cli.model.towers.starter import StarterImageTower


def starter_towers_of(source: ModelSource) -> StarterTowers | None:
    """The towers, where a model is `starter`, tuned from it, or prompts for one of these; else None.

    Raises:
        InvalidInput: a folder's configuration makes no sense, or the base of its prompts is gone.
    """
    if source.kind == "starter":
        return starter_towers()
    if source.kind != "vifi" or source.path is None:
        return None
    card = read_card(source.path)
    if card.architecture != STARTER:
        return None
    return prompted_towers(source.path, card) if card.prompts else tuned_towers(source.path, card)


def prompted_towers(folder: Path, card: ModelCard) -> StarterTowers:
    """The towers of a prompt model whose base is `starter` or tuned from it.

    Raises:
        InvalidInput: the base is gone, of another kind, or made of prompts too.
    """
    source = find_base(folder, card)
    base = starter_towers_of(source)
    if base is None or any(prompts_of(card, "image")):
        raise InvalidInput(f"{folder} holds prompts that do not fit {source.name}: learn them for it anew")

    def build_text() -> "nn.Module":
        from vifi_cli.model.folders.prompt_folder import prompted_tower

        return prompted_tower(folder, card, "text", base.build_text())

    return StarterTowers(
        str(folder),
        lambda: prompted_fingerprint(folder, card, "image", base.vision_fingerprint()),
        lambda: prompted_fingerprint(folder, card, "text", base.text_fingerprint()),
        base.build_visual,
        build_text,
    )


def tuned_towers(folder: Path, card: ModelCard) -> StarterTowers:
    """The towers of a model folder whose architecture is `starter`."""
    base, file = starter_towers(), folder / WEIGHTS_FILE
    keeps_image = card.untouched.get("image") == base.vision_fingerprint()
    keeps_text = card.untouched.get("text") == base.text_fingerprint()
    return StarterTowers(
        str(folder),
        base.vision_fingerprint if keeps_image else partial(_fingerprint, file, "visual."),
        base.text_fingerprint if keeps_text else partial(_fingerprint, file, "text."),
        base.build_visual if keeps_image else partial(read_image_tower, file),
        base.build_text if keeps_text else partial(read_text_tower, file),
    )


def _fingerprint(file: Path, prefix: str) -> str:
    return fingerprint_of_tower_file({"architecture": "starter"}, file, prefix)


def read_image_tower(file: Path) -> "StarterImageTower":
    """The image tower of a file of weights, in evaluation mode.

    Raises:
        ModelUnavailable: the file is damaged or holds another architecture.
    """
    from vifi_cli.model.towers.starter import untrained_image_tower

    tower = untrained_image_tower()
    _fill(tower, file, "visual.")
    return tower


def read_text_tower(file: Path) -> "SentenceTransformer":
    """The text tower of a file of weights, in evaluation mode.

    Raises:
        ModelUnavailable: the file is damaged or holds another architecture.
    """
    from vifi_cli.model.towers.minilm import SentenceTransformer

    tower = SentenceTransformer()
    _fill(tower, file, "text.")
    return tower


def _fill(tower: "StarterImageTower | SentenceTransformer", file: Path, prefix: str) -> None:
    from vifi_cli.errors import ModelUnavailable
    from vifi_cli.model.registry.weights_file import read_weights

    weights = read_weights(file, lambda name: name.startswith(prefix))
    try:
        tower.load_state_dict({name.removeprefix(prefix): tensor for name, tensor in weights.items()})
    except RuntimeError as error:
        raise ModelUnavailable(
            f"{file} does not fit the architecture that {CARD_FILE} beside it names: copy the whole folder again"
        ) from error
    tower.eval()
