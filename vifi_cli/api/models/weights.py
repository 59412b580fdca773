"""Fetches weights before they are needed."""

from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.api.feedback import Feedback
from vifi_cli.wording import BYTES

if TYPE_CHECKING:
    from vifi_cli.model.registry.source import ModelSource


def fetch_model(name: str | Path, feedback: Feedback, *, instead: str = "") -> "ModelSource":
    """Resolves a model's name, as for `--model`, and fetches its weights unless they are on this machine already.

    Notes what is assumed about a file of weights alone. `instead` is what the user can do where the hub cannot be
    reached, in words; by default, take another model.

    Raises:
        InvalidInput: the model is unknown.
        ModelUnavailable: the hub cannot be reached, or the download was damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    from vifi_cli.model.registry.source import resolve_model

    source = resolve_model(str(name))
    fetch_weights(source, feedback, instead)
    note_assumptions(source, feedback)
    return source


def fetch_weights(source: "ModelSource", feedback: Feedback, instead: str = "") -> None:
    """Fetches a model's weights unless they are on this machine already; see `fetch_model`."""
    from vifi_cli.model.registry.hub import is_cached, pull

    if not is_cached(source):
        with feedback.task(f"Fetching {source.name}", unit=BYTES) as report:
            pull(source, report, instead=instead)


def note_assumptions(source: "ModelSource", feedback: Feedback) -> None:
    """Notes what is assumed about a file of weights alone, which do not show everything."""
    if source.of_weights.kind == "file":
        from vifi_cli.model.architectures.weights_alone import architecture_of_file

        if assumed := architecture_of_file(source.of_weights).assumed:
            feedback.note(assumed)
