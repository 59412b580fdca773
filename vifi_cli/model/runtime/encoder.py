"""Loads encoders for the index: `load_encoder` both sides, `load_text_encoder` the text side, enough for a search."""

from vifi_cli.model.folders.starter_model import starter_towers_of
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.model.runtime.starter_encoder import load_starter, load_starter_text
from vifi_cli.model.runtime.vifi_encoder import TextEncoder, ViFiEncoder


def load_encoder(source: ModelSource, device: str = "auto") -> ViFiEncoder:
    """Load both sides of a model.

    Args:
        source: from `resolve_model`.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        InvalidInput: no such device, or a model folder's configuration makes no sense.
        ModelUnavailable: the weights are not here or damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    if towers := starter_towers_of(source):
        return load_starter(towers, device)
    from vifi_cli.model.runtime.open_clip_encoder import load_open_clip

    return load_open_clip(source, device)


def load_text_encoder(source: ModelSource, device: str = "auto") -> TextEncoder:
    """Load only the text side of a model; arguments and errors are those of `load_encoder`."""
    if towers := starter_towers_of(source):
        return load_starter_text(towers, device)
    from vifi_cli.model.runtime.open_clip_encoder import load_open_clip_text

    return load_open_clip_text(source, device)


def vision_fingerprint_of(source: ModelSource, device: str = "auto") -> str:
    """The fingerprint of a model's image side: an index made with another model of the same fingerprint serves it.

    For `starter`, what was tuned from it, and models with text prompts alone, that side is not loaded. Arguments and
    errors are those of `load_encoder`.
    """
    if towers := starter_towers_of(source):
        return towers.vision_fingerprint()
    card = source.card
    if card and card.base and not any(card.prompts_in("image")):
        return card.base.image
    return load_encoder(source, device).vision_fingerprint
