"""What a model card says, as facts to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vifi_cli.model.model_card import ModelCard

_NAMES_SHOWN = 3


def card_facts(card: ModelCard) -> list[tuple[str, str]]:
    """Name and value of each, for people."""
    shown = ", ".join(card.class_names[:_NAMES_SHOWN]) + (
        ", …" if len(card.class_names) > _NAMES_SHOWN else ""
    )
    return [
        ("tuned", " and ".join(f"{tower} tower" for tower in card.tuned) or "nothing"),
        ("fusion", card.fusion),
        ("class text", card.template),
        ("classes", f"{len(card.class_names)}: {shown}" if card.class_names else "unknown"),
        *card.origin.items(),
    ]


def card_document(card: ModelCard) -> dict[str, object]:
    """The same for programs."""
    return {
        "tuned": card.tuned,
        "fusion": card.fusion,
        "template": card.template,
        "class_names": card.class_names,
        "origin": dict(card.origin),
    }
