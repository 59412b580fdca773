"""The content of a model card, as facts for people and as a document for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from vifi_cli.wording import counted

if TYPE_CHECKING:
    from vifi_cli.model.registry.card import ModelCard
    from vifi_cli.model.registry.class_texts import ClassTexts

_NAMES_SHOWN = 3


def card_facts(card: ModelCard) -> list[tuple[str, str]]:
    """Names, capitalized, and values."""
    more = ["…"] if len(card.class_names) > _NAMES_SHOWN else []
    shown = ", ".join([*card.class_names[:_NAMES_SHOWN], *more])
    facts = [
        *_facts_of_changes(card),
        ("tuned", " and ".join(f"{tower} tower" for tower in card.tuned) or "nothing"),
        ("fusion", card.fusion),
        ("class text", _texts_in_words(card.texts) if card.texts else card.template),
        ("classes", f"{len(card.class_names)}: {shown}" if card.class_names else "unknown"),
        *card.origin.items(),
    ]
    return [(capitalized(name), value) for name, value in facts]


def capitalized(name: str) -> str:
    """A name with a capital at its start, and the others that it has."""
    return name[:1].upper() + name[1:]


def _texts_in_words(texts: ClassTexts) -> str:
    """Such as `gpt.json: 2 templates, descriptions of 10 classes`."""
    templates = [counted(len(texts.templates), "template")] if texts.templates else []
    described = counted(len(texts.descriptions), "class", "classes")
    described_classes = [f"descriptions of {described}"] if texts.descriptions else []
    return f"{texts.name}: {', '.join(templates + described_classes)}"


def _facts_of_changes(card: ModelCard) -> list[tuple[str, str]]:
    if card.lora and card.base:
        lora = card.lora
        towers = " and ".join(f"{tower} tower" for tower in lora.towers)
        shape = f"rank {lora.rank}, alpha {lora.alpha:g}, in {', '.join(lora.places)} of the {towers}"
        return [("LoRA", shape), ("learned for", str(card.base))]
    if card.head and card.base:
        return [("head", card.head), ("learned for", str(card.base))]
    if not card.prompts or not card.base:
        return []
    prompts, found = card.prompts, []
    if prompts.text_context:
        found.append(f"{prompts.text_context} before each name in {prompts.text_depth} layers")
    if prompts.image_context:
        found.append(f"{prompts.image_context} after the patches in {prompts.image_depth} layers")
    return [("learned prompts", "; ".join(found)), ("learned for", str(card.base))]


def card_document(card: ModelCard) -> dict[str, object]:
    """Values by name."""
    return {
        "prompts": asdict(card.prompts) if card.prompts else False,
        "lora": asdict(card.lora) if card.lora else None,
        "head": card.head,
        "base": asdict(card.base) if card.base else None,
        "tuned": card.tuned,
        "fusion": card.fusion,
        "template": card.template,
        "texts": asdict(card.texts) if card.texts else None,
        "class_names": card.class_names,
        "origin": dict(card.origin),
    }
