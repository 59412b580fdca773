"""Fetching a model's weights before they are needed, with a progress bar."""

from __future__ import annotations

from vifi_cli.cli import output


def fetch_model(name: str) -> None:
    """Fetches a model's weights unless they are on this machine already.

    Raises:
        InvalidInput: there is no such model.
        ModelUnavailable: the hub cannot be reached, or the file came damaged.
    """
    from vifi_cli.model.hub import is_cached, pull

    if is_cached(name):
        return
    with output.progress() as bar:
        task = bar.add_task(f"Fetching {name}", total=None)
        pull(name, lambda done, total: bar.update(task, completed=done, total=total))
