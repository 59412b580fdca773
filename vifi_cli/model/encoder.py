"""Loads models by name: `load_encoder` both sides, `load_text_encoder` the text side, enough for a search."""

from vifi_cli.model.backbones import STARTER
from vifi_cli.model.model_card import read_card
from vifi_cli.model.model_source import ModelSource, resolve_model
from vifi_cli.model.starter_encoder import StarterTowers, load_starter, load_starter_text, starter_towers
from vifi_cli.model.tuned_starter import tuned_towers
from vifi_cli.model.vifi_encoder import TextEncoder, ViFiEncoder

__all__ = ["TextEncoder", "ViFiEncoder", "load_encoder", "load_text_encoder"]


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
    towers = _starter_towers(source)
    if towers:
        return load_starter(towers, device)
    from vifi_cli.model.open_clip_encoder import load_open_clip

    return load_open_clip(source, device)


def load_text_encoder(name: str, device: str = "auto") -> TextEncoder:
    """Load the text side of a model alone; arguments and errors are those of `load_encoder`."""
    source = resolve_model(name)
    towers = _starter_towers(source)
    if towers:
        return load_starter_text(towers, device)
    from vifi_cli.model.open_clip_encoder import load_open_clip_text

    return load_open_clip_text(source, device)


def _starter_towers(source: ModelSource) -> StarterTowers | None:
    """The towers, where the model is `starter` or tuned from it."""
    if source.kind == "starter":
        return starter_towers()
    if source.kind != "vifi" or source.path is None:
        return None
    card = read_card(source.path)
    return tuned_towers(source.path, card) if card.architecture == STARTER else None
