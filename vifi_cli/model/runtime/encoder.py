"""Loads models by name: `load_encoder` both sides, `load_text_encoder` the text side, enough for a search."""

from vifi_cli.model.folders.prompt_base import prompt_card, prompts_of
from vifi_cli.model.folders.tuned_starter import starter_towers_of
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.starter_encoder import load_starter, load_starter_text
from vifi_cli.model.runtime.vifi_encoder import TextEncoder, ViFiEncoder

__all__ = ["TextEncoder", "ViFiEncoder", "load_encoder", "load_text_encoder", "vision_fingerprint_of"]


def load_encoder(name: str, device: str = "auto") -> ViFiEncoder:
    """Load both sides of a model.

    Args:
        name: anything that `backbones.resolve_model` accepts.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        InvalidInput: no such model or device; the text names what there is.
        ModelUnavailable: the weights are not here or damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    source = resolve_model(name)
    towers = starter_towers_of(source)
    if towers:
        return load_starter(towers, device)
    from vifi_cli.model.runtime.open_clip_encoder import load_open_clip

    return load_open_clip(source, device)


def load_text_encoder(name: str, device: str = "auto") -> TextEncoder:
    """Load the text side of a model alone; arguments and errors are those of `load_encoder`."""
    source = resolve_model(name)
    towers = starter_towers_of(source)
    if towers:
        return load_starter_text(towers, device)
    from vifi_cli.model.runtime.open_clip_encoder import load_open_clip_text

    return load_open_clip_text(source, device)


def vision_fingerprint_of(name: str, device: str = "auto") -> str:
    """The fingerprint of a model's image side, which tells whether an index made with another model serves it.

    Of `starter`, what was tuned from it, and models with text prompts alone it is known without loading that side;
    arguments and errors are those of `load_encoder`.
    """
    source = resolve_model(name)
    towers = starter_towers_of(source)
    if towers:
        return towers.vision_fingerprint()
    card = prompt_card(source)
    if card and card.base and not any(prompts_of(card, "image")):
        return card.base.image
    return load_encoder(name, device).vision_fingerprint
