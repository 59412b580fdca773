"""Fetching a model's weights before they are needed, with a progress bar."""

from __future__ import annotations

from vifi_cli.cli.terminal.feedback import ON_TERMINAL


def fetch_model(name: str) -> None:
    """Fetches a model's weights unless they are on this machine already.

    Raises:
        InvalidInput: there is no such model.
        ModelUnavailable: the hub cannot be reached, or the file came damaged.
    """
    from vifi_cli.api.models.weights import fetch_weights

    fetch_weights(name, ON_TERMINAL)
