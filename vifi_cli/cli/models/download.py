"""Fetching a model's weights before they are needed, with a progress bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vifi_cli.cli.terminal.progress import ON_TERMINAL

if TYPE_CHECKING:
    from vifi_cli.model.registry.source import ModelSource


def fetch_model(name: str) -> ModelSource:
    """Resolves a model's name and fetches its weights unless they are on this machine already.

    Raises:
        InvalidInput: there is no such model.
        ModelUnavailable: the hub cannot be reached, or the download was damaged.
    """
    from vifi_cli.api.models import weights

    return weights.fetch_model(name, ON_TERMINAL)
