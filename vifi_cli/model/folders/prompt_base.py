"""The model that a prompt model's prompts belong to: where it is, and whether it is still the same; no torch."""

from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.model.folders.card import BaseReference, ModelCard, PromptShape, Tower, read_card
from vifi_cli.model.registry.source import PROMPTS_FILE, ModelSource, resolve_model
from vifi_cli.model.runtime.fingerprint import fingerprint_of_tower_file

# what a weight's name begins with, by tower
PREFIXES: dict[Tower, str] = {"image": "visual.prompts.", "text": "text.prompts."}
# of a fingerprint, as much as people compare
_DIGITS = 12


def prompt_card(source: ModelSource) -> ModelCard | None:
    """The card of a model that is made of prompts; None of any other model.

    Raises:
        InvalidInput: the folder's configuration makes no sense.
    """
    if source.kind != "vifi" or source.path is None:
        return None
    card = read_card(source.path)
    return card if card.prompts else None


def weights_source(source: ModelSource) -> ModelSource:
    """Where the towers' own weights come from: of prompts their base, of any other model itself.

    Raises:
        InvalidInput: the base is not where it should be, or is made of prompts too.
    """
    card = prompt_card(source)
    return find_base(source.path, card) if card and source.path else source


def find_base(folder: Path, card: ModelCard) -> ModelSource:
    """Find the base of a prompt model.

    Args:
        folder: the prompt model's.
        card: the prompt model's.

    Raises:
        InvalidInput: it is not where it should be, or is made of prompts too.
    """
    base = _reference(card)
    inside = folder / base.model
    try:
        source = resolve_model(str(inside) if inside.exists() else base.model)
    except InvalidInput as error:
        raise InvalidInput(
            f"{folder} holds prompts for {base.model} (image tower {base.image[:_DIGITS]}, text tower "
            f"{base.text[:_DIGITS]}), and there is no such model at {inside}: bring it back there"
        ) from error
    if prompt_card(source):
        raise InvalidInput(
            f"{folder} names {source.name} as its base, which is made of prompts itself: "
            "prompts can only be learned for a model with weights of its own"
        )
    return source


def prompted_fingerprint(folder: Path, card: ModelCard, tower: Tower, found: str) -> str:
    """The fingerprint of a tower with its prompts; the base's own where this tower has none.

    Args:
        folder: the prompt model's.
        card: the prompt model's.
        tower: which.
        found: the fingerprint of the base's tower as it is now.

    Raises:
        InvalidInput: the base's tower is another than that which the prompts were learned for.
        ModelUnavailable: the prompts' file is damaged.
    """
    base = _reference(card)
    wanted = base.image if tower == "image" else base.text
    if found != wanted:
        raise InvalidInput(
            f"{folder} holds prompts for {base.model} with the {tower} tower {wanted[:_DIGITS]}, and its {tower} "
            f"tower is {found[:_DIGITS]} now: bring that model back as it was, or learn prompts for this one"
        )
    if not any(prompts_of(card, tower)):
        return found
    return fingerprint_of_tower_file({"base": found}, folder / PROMPTS_FILE, PREFIXES[tower])


def prompts_of(card: ModelCard, tower: Tower) -> tuple[int, int]:
    """How many prompts a tower of this model has, and in how many layers; zeros where it has none."""
    shape = card.prompts or PromptShape()
    if tower == "image":
        return shape.image_context, shape.image_depth
    return shape.text_context, shape.text_depth


def _reference(card: ModelCard) -> BaseReference:
    if card.base is None:
        raise ValueError("this model is not made of prompts")
    return card.base
